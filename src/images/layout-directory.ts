import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, splitDigest } from '../base/digest.ts'
import { ociLayoutFile } from '../specs/image-spec.ts'
import type { ContentStore } from '../storage/content-store.ts'
import { copyKnown, corrupt, largestDocument } from './blobs.ts'
import type { LayoutBlobs } from './layout.ts'
import type { ImageLease } from './services.ts'
import { refuseFile } from './source.ts'

const pieceBytes = 1 << 20

/** The documents of an image layout that lies open as a directory. */
export async function readLayoutDirectory(path: string): Promise<ReadonlyMap<string, Buffer>> {
  const documents = new Map<string, Buffer>()
  for (const name of ['index.json', ociLayoutFile]) {
    const data = await readWhole(path, name)
    if (data) documents.set(name, data)
  }
  return documents
}

/** The blobs of such a directory; only those that are asked for are read. */
export function directoryBlobs(
  content: ContentStore,
  lease: ImageLease,
  path: string,
  { signal, onBytes }: { readonly signal: AbortSignal | undefined; readonly onBytes: (bytes: number) => void },
): LayoutBlobs {
  let total = 0
  return {
    label: path,
    content,
    async require({ digest, size }) {
      await lease.add({ digests: [digest] })
      const there = await content.stat(digest)
      if (there !== undefined && there.sizeBytes !== size)
        throw corrupt(path, `it says that ${digest} has ${size} bytes instead of ${there.sizeBytes}`)
      if (there === undefined) await copyBlob(content, path, digest, size, signal)
      total += size
      onBytes(total)
    },
  }
}

async function copyBlob(content: ContentStore, path: string, digest: Digest, size: number, signal: AbortSignal | undefined): Promise<void> {
  const { algorithm, hex } = splitDigest(digest)
  const file = await openFile(join(path, 'blobs', algorithm, hex), path)
  if (file === undefined) throw corrupt(path, `its blob ${digest} is missing`)
  try {
    const actual = (await file.stat()).size
    if (actual !== size) throw corrupt(path, `its blob ${digest} has ${actual} bytes instead of ${size}`)
    await copyKnown(content, { digest, size }, file.createReadStream({ autoClose: false, highWaterMark: pieceBytes }), { signal })
  } finally {
    await file.close()
  }
}

async function readWhole(path: string, name: string): Promise<Buffer | undefined> {
  const file = await openFile(join(path, name), path)
  if (file === undefined) return undefined
  try {
    if ((await file.stat()).size > largestDocument) throw corrupt(path, `its ${name} has more than ${largestDocument} bytes`)
    return await file.readFile()
  } finally {
    await file.close()
  }
}

/** Opens a plain file; a fifo would never answer, and a link leads elsewhere. */
async function openFile(path: string, layout: string): Promise<FileHandle | undefined> {
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw code === 'ELOOP' || code === 'ENXIO'
      ? corrupt(layout, `${path} is not a plain file`, error)
      : refuseFile(path, error as NodeJS.ErrnoException)
  }
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw corrupt(layout, `${path} is not a plain file`)
}
