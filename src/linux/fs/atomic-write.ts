import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { type FileHandle, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { randomHex } from '../../base/crypto.ts'
import { mapFsError } from './disk.ts'

/** How {@link writeFileAtomic} writes. */
export interface AtomicWriteOptions {
  /** Exactly this mode, whatever the umask says. Default 0600. */
  readonly mode?: number
  /** Whether it is on disk when the promise resolves. Not needed below a run root, which a power cut empties anyway. Default false. */
  readonly durable?: boolean
}

/** Writes a file so that every reader, and every restart, sees either the old content or the new one. */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  { mode = 0o600, durable = false }: AtomicWriteOptions = {},
): Promise<void> {
  const temporary = temporaryFor(path)
  try {
    await withFile(temporary, 'wx', async (file) => {
      await file.writeFile(data)
      await file.chmod(mode)
      if (durable) await file.sync()
    })
    await rename(temporary, path)
    if (durable) await withFile(dirname(path), 'r', (directory) => directory.sync())
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw mapFsError(error, path)
  }
}

/** The same for the helper process. */
export function writeFileAtomicSync(
  path: string,
  data: string | Uint8Array,
  { mode = 0o600, durable = false }: AtomicWriteOptions = {},
): void {
  const temporary = temporaryFor(path)
  try {
    withFileSync(temporary, 'wx', (fd) => {
      writeFileSync(fd, data)
      fchmodSync(fd, mode)
      if (durable) fsyncSync(fd)
    })
    renameSync(temporary, path)
    if (durable) withFileSync(dirname(path), 'r', fsyncSync)
  } catch (error) {
    try {
      unlinkSync(temporary)
    } catch {
      // It was never made, or has its final name already.
    }
    throw mapFsError(error, path)
  }
}

/** In the same directory, for rename never crosses file systems; the dot keeps it out of most listings. */
function temporaryFor(path: string): string {
  return join(dirname(path), `.${basename(path).slice(0, 200)}.${randomHex(6)}.tmp`)
}

async function withFile(path: string, flags: string, work: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flags, 0o600)
  try {
    await work(file)
  } finally {
    await file.close()
  }
}

function withFileSync(path: string, flags: string, work: (fd: number) => void): void {
  const fd = openSync(path, flags, 0o600)
  try {
    work(fd)
  } finally {
    closeSync(fd)
  }
}
