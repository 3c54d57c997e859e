import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync, type Stats } from 'node:fs'
import { LibpodError } from '../../base/errors.ts'
import { isErrno } from '../../linux/errno.ts'
import { atDescriptor, O_PATH } from '../../linux/fs/descriptor-path.ts'
import { mapFsError } from '../../linux/fs/disk.ts'
import { getXattr } from '../../linux/xattr.ts'
import type { ExtractTarget } from '../snapshotter.ts'

/** How {@link readMergedFile} reads. */
export interface ReadMergedFileOptions {
  readonly maxBytes: number
  /** The attribute that makes a directory opaque, as {@link ExtractTarget} tells; the kernel's own if not given. */
  readonly opaqueXattr?: NonNullable<ExtractTarget['opaqueXattr']>
}

/** As many links as the kernel follows in one path. */
const mostLinks = 40

/**
 * Reads a regular file as a mount of these directories, topmost first, would show it: what an upper one deletes or replaces is
 * gone, and links, absolute ones too, lead from tree to tree but not out of them. `undefined` if there is no file. Never
 * opens a device or a fifo, and never waits. Throws `invalid-argument` for a file that is larger than `maxBytes`.
 */
export async function readMergedFile(
  layers: readonly string[],
  path: string,
  { maxBytes, opaqueXattr = 'trusted.overlay.opaque' }: ReadMergedFileOptions,
): Promise<Buffer | undefined> {
  const tree = new MergedTree(opaqueXattr)
  try {
    const file = tree.open(layers, path)
    if (file === undefined) return undefined
    const { size } = fstatSync(file)
    if (size > maxBytes) throw tooLarge(path, size, maxBytes)
    return tree.read(file)
  } catch (error) {
    throw mapFsError(error, path)
  } finally {
    tree.close()
  }
}

/** What stands under a name in the merged tree: a directory is made of one directory in each of several layers. */
type Found =
  | { readonly type: 'directory'; readonly parts: readonly number[] }
  | { readonly type: 'file' | 'other'; readonly fd: number }
  | { readonly type: 'link'; readonly target: string }

/** Walks by open descriptors, which nobody can lead astray by changing the topmost tree meanwhile. */
class MergedTree {
  readonly #opaqueXattr: string
  readonly #open = new Set<number>()

  constructor(opaqueXattr: string) {
    this.#opaqueXattr = opaqueXattr
  }

  /** The descriptor of the file that a path leads to. */
  open(layers: readonly string[], path: string): number | undefined {
    // All parts of a root are merged, whatever the topmost is marked with.
    const root = layers.map((layer) => this.#keep(openSync(layer, O_PATH | constants.O_DIRECTORY)))
    let trail: (readonly number[])[] = [root]
    let rest = namesOf(path)
    for (let links = 0; ; ) {
      const [name, ...others] = rest
      // The path ends at a directory.
      if (name === undefined) return undefined
      rest = others
      if (name === '..') {
        if (trail.length > 1) trail.pop()
        continue
      }
      const found = this.#lookUp(trail.at(-1) ?? root, name)
      if (found?.type === 'directory') {
        trail.push(found.parts)
        continue
      }
      if (found?.type === 'file' && rest.length === 0 && !path.endsWith('/')) return found.fd
      if (found?.type !== 'link') return undefined
      if (++links > mostLinks) throw tooManyLinks(path)
      if (found.target.startsWith('/')) trail = [root]
      rest = [...namesOf(found.target), ...rest]
    }
  }

  read(fd: number): Buffer {
    const readable = this.#keep(openSync(atDescriptor(fd), constants.O_RDONLY | constants.O_NONBLOCK))
    return readFileSync(readable)
  }

  close(): void {
    for (const fd of this.#open) closeSync(fd)
    this.#open.clear()
  }

  #lookUp(parts: readonly number[], name: string): Found | undefined {
    const directories: number[] = []
    for (const part of parts) {
      const fd = this.#openAt(part, name)
      if (fd === undefined) continue
      const stats = fstatSync(fd)
      if (stats.isDirectory()) {
        directories.push(fd)
        if (this.#isOpaque(fd)) break
        continue
      }
      // Anything else hides what is below, a whiteout also itself; under a directory it is not seen.
      if (directories.length > 0 || isWhiteout(stats)) break
      if (stats.isSymbolicLink()) return { type: 'link', target: readlinkSync(atDescriptor(part, name)).toString() }
      return { type: stats.isFile() ? 'file' : 'other', fd }
    }
    return directories.length > 0 ? { type: 'directory', parts: directories } : undefined
  }

  #openAt(parent: number, name: string): number | undefined {
    try {
      return this.#keep(openSync(atDescriptor(parent, name), O_PATH | constants.O_NOFOLLOW))
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined
      throw error
    }
  }

  #isOpaque(fd: number): boolean {
    // Through a name of its own: the descriptor's is a link, which has no attributes.
    return getXattr(atDescriptor(fd, '.'), this.#opaqueXattr)?.toString('latin1') === 'y'
  }

  #keep(fd: number): number {
    this.#open.add(fd)
    return fd
  }
}

/** `/etc//passwd` → `etc`, `passwd`. */
function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

/** A character device 0:0: so overlay marks what an upper directory deletes. */
function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0
}

function tooLarge(path: string, size: number, maxBytes: number): LibpodError<'invalid-argument'> {
  return new LibpodError(
    'invalid-argument',
    `${path} has ${size} bytes, more than the ${maxBytes} that are read.`,
    { path, value: size },
    { hint: 'It does not look like the file that belongs there.' },
  )
}

function tooManyLinks(path: string): LibpodError<'invalid-argument'> {
  return new LibpodError(
    'invalid-argument',
    `${JSON.stringify(path)} goes through more than ${mostLinks} symbolic links.`,
    { path: 'path', value: path },
    { hint: 'Its links most likely point at each other.' },
  )
}
