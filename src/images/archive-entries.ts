import { Readable } from 'node:stream'
import { isLibpodError } from '../base/errors.ts'
import { corrupt } from './blobs.ts'

/** An entry of an archive of images. */
export interface ArchiveEntry {
  /** Its path inside the archive, without `./` and the like. */
  readonly name: string
  readonly type: 'file' | 'link' | 'other'
  readonly size: number
  /** Of a link: the path inside the archive that it leads to. */
  readonly target?: string
  /** The content of a file; what is not read of it is skipped. */
  readonly bytes: AsyncIterable<Buffer>
}

/** No archive of images has more entries; each costs memory. */
const mostEntries = 100_000

/** Walks through a tarball. Names and links that climb out of it are refused with `corrupt`, as is what is no tarball or cut off. */
export async function* archiveEntries(bytes: AsyncIterable<Buffer>, label: string): AsyncGenerator<ArchiveEntry, void> {
  const { extract } = await import('tar-stream')
  const tar = extract()
  const input = Readable.from(bytes, { objectMode: false })
  let failure: Error | undefined
  const fails = (error: Error): void => {
    failure ??= error
  }
  input.on('error', (error) => {
    fails(error)
    tar.destroy(error)
  })
  // Before the loop's own listener: a reader of an entry may hear of it only that the parser was destroyed.
  tar.on('error', fails)
  input.pipe(tar)
  const refuse = (error: unknown): unknown => refusalOf(failure ?? error, label)
  let count = 0
  try {
    for await (const entry of tar) {
      if (++count > mostEntries) throw corrupt(label, `it has more than ${mostEntries} entries`)
      const { name, type, size = 0, linkname } = entry.header
      const inside = pathInside(name, '', label)
      const isLink = type === 'link' || type === 'symlink'
      const from = type === 'symlink' ? inside.split('/').slice(0, -1).join('/') : ''
      yield {
        name: inside,
        type: type === 'file' || type === 'contiguous-file' ? 'file' : isLink ? 'link' : 'other',
        size,
        ...(isLink ? { target: pathInside(linkname ?? '', from, label) } : {}),
        bytes: contentOf(entry as AsyncIterable<Buffer>, refuse),
      }
      entry.resume()
    }
  } catch (error) {
    throw refuse(error)
  } finally {
    input.destroy()
    tar.destroy()
  }
}

/** An archive may break off in the middle of a file as well as between two. */
async function* contentOf(entry: AsyncIterable<Buffer>, refuse: (error: unknown) => unknown): AsyncGenerator<Buffer, void> {
  try {
    yield* entry
  } catch (error) {
    throw refuse(error)
  }
}

/** What is neither the source's failure nor the system's is the parser refusing what it reads. Its errors have codes, too. */
function refusalOf(error: unknown, label: string): unknown {
  return isLibpodError(error) || isFromSystem(error) ? error : corrupt(label, messageOf(error), error)
}

function isFromSystem(error: unknown): boolean {
  const { errno, syscall } = error as NodeJS.ErrnoException
  return errno !== undefined || syscall !== undefined
}

/** Resolves a path of the archive from a directory of the archive. */
function pathInside(path: string, from: string, label: string): string {
  const parts = from === '' ? [] : from.split('/')
  if (path.startsWith('/') || path.includes('\0')) throw corrupt(label, `its entry ${JSON.stringify(path)} leads out of it`)
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (from === '' || parts.pop() === undefined) throw corrupt(label, `its entry ${JSON.stringify(path)} leads out of it`)
  }
  return parts.join('/')
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  // The parser is destroyed, without another word, when its input ends in the middle of an entry.
  const isCut = text === 'Unexpected end of data' || (error as NodeJS.ErrnoException | undefined)?.code === 'STREAM_DESTROYED'
  return isCut ? 'it is cut off' : `it is no tarball, or a damaged one (${text.replace(/\.$/, '')})`
}
