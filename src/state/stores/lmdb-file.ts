import { type FileHandle, open, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isLibpodError, LibpodError } from '../../base/errors.ts'
import { sleep } from '../../base/time.ts'
import { makeFolder } from '../../linux/fs/make-folder.ts'
import { storeCorrupt, storeFull } from './failures.ts'

// Offsets in a meta page of LMDB 0.9.90, format 2, as lmdb-js brings it.
const pageFlagsAt = 18
const metaAt = 24
const metaSize = 144
const metaPageFlag = 0x08
const magic = 0xbeefc0de
const noRoot = 0xffff_ffff_ffff_ffffn
/** More than a new store takes, with its lock file. */
const newStoreBytes = 256 << 10

/**
 * Makes the folder, and looks at a file that exists before lmdb maps it: of a damaged one lmdb makes a segmentation
 * fault, which would be the host's end. So does a new one without room, as lmdb writes its first pages through the map.
 */
export async function prepareLmdbFile(path: string): Promise<void> {
  try {
    await makeFolder(dirname(path), 0o700)
    if ((await isNew(path)) && (await freeBytes(path)) < newStoreBytes) throw storeFull(path)
    for (let attempt = 0; ; attempt++) {
      const problem = await findDamage(path)
      if (problem === undefined) return
      // Another process may just be writing the first two pages.
      if (attempt === 5) throw storeCorrupt(path, problem)
      await sleep(10)
    }
  } catch (error) {
    throw await translateLmdbError(path, error)
  }
}

async function findDamage(path: string): Promise<string | undefined> {
  let file: FileHandle | undefined
  try {
    file = await open(path)
    const { size } = await file.stat()
    if (size === 0) return undefined
    const first = await readMeta(file, 0)
    if (first === undefined) return 'it does not begin with a header'
    const second = await readMeta(file, first.pageSize)
    if (second === undefined) return 'its second header is missing'
    const newest = second.transaction > first.transaction ? second : first
    const pages = BigInt(Math.floor(size / first.pageSize))
    return newest.roots.every((root) => root === noRoot || root < pages) ? undefined : 'it is cut off'
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  } finally {
    await file?.close()
  }
}

async function readMeta(file: FileHandle, at: number) {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(metaAt + metaSize), 0, metaAt + metaSize, at)
  if (bytesRead < buffer.length || (buffer.readUInt16LE(pageFlagsAt) & metaPageFlag) === 0) return undefined
  const meta = buffer.subarray(metaAt)
  const pageSize = meta.readUInt32LE(24)
  if (meta.readUInt32LE(0) !== magic || meta.readUInt16LE(4) !== 2) return undefined
  if (pageSize < 512 || pageSize > 0x10000 || (pageSize & (pageSize - 1)) !== 0) return undefined
  return { pageSize, roots: [meta.readBigUInt64LE(64), meta.readBigUInt64LE(112)], transaction: meta.readBigUInt64LE(128) }
}

/** What lmdb throws, as an error of this library. lmdb's own numbers are negative, the system's positive. */
export async function translateLmdbError(path: string, error: unknown): Promise<unknown> {
  if (isLibpodError(error)) return error
  const { code } = error as { code?: number | string }
  switch (code) {
    case -30792: // MDB_MAP_FULL
    case 28:
    case 'ENOSPC':
    case 'EDQUOT':
    case 122:
      return storeFull(path, error)
    case 5: // EIO: also how lmdb reports a write that a full disk cut short
    case 'EIO':
      if (await isFull(path)) return storeFull(path, error)
      return new LibpodError('unavailable', `The disk under the state store ${path} reports errors.`, { what: path }, { cause: error })
    case -30797: // MDB_PAGE_NOTFOUND
    case -30796: // MDB_CORRUPTED
    case -30795: // MDB_PANIC
    case -30793: // MDB_INVALID
      return storeCorrupt(path, 'LMDB finds its pages inconsistent', error)
    case -30794: // MDB_VERSION_MISMATCH
      return new LibpodError(
        'unsupported',
        `The state store ${path} was written by another version of LMDB.`,
        { what: path },
        { cause: error },
      )
    case -30790: // MDB_READERS_FULL
      return new LibpodError('unavailable', `Too many processes have the state store ${path} open.`, { what: path }, { cause: error })
    case 13:
    case 1:
    case 30:
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new LibpodError('permission-denied', `The state store ${path} may not be written.`, { what: path }, { cause: error })
    case 21:
    case 20:
    case 'EISDIR':
    case 'EEXIST':
    case 'ENOTDIR':
    case 'ENOENT':
      return new LibpodError(
        'invalid-argument',
        `${path} is no file, or stands in no folder.`,
        { path: 'path', value: path },
        { cause: error },
      )
    default:
      return new LibpodError('internal', `The state store ${path} failed: ${(error as Error).message}.`, { what: path }, { cause: error })
  }
}

/** The same for a commit, which lmdb rejects with a promise of the true reason inside. */
export async function translateCommitError(path: string, error: unknown): Promise<unknown> {
  const reason = (error as { commitError?: Promise<unknown> }).commitError
  if (reason === undefined) return translateLmdbError(path, error)
  const cause = await reason.then(
    () => error,
    (actual: unknown) => actual,
  )
  return translateLmdbError(path, cause)
}

async function isNew(path: string): Promise<boolean> {
  const sizes = await Promise.all([path, `${path}-lock`].map(async (file) => (await stat(file).catch(() => undefined))?.size ?? 0))
  return sizes.includes(0)
}

async function isFull(path: string): Promise<boolean> {
  return (await freeBytes(path)) < 4 << 20
}

async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(dirname(path))
  return bavail * bsize
}
