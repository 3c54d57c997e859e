import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, readlinkSync, type Stats } from 'node:fs'
import { posix } from 'node:path'
import { LibpodError } from '../../base/errors.ts'
import { atDescriptor, O_PATH } from './descriptor-path.ts'
import { mapFsError } from './disk.ts'

/** How {@link openInside} opens. */
export interface OpenInsideOptions {
  /** Flags of open(2); default O_RDONLY. O_CREAT only makes the last component. */
  readonly flags?: number
  /** Of a file that is made. */
  readonly mode?: number
}

/** As many links as the kernel follows in one path. */
const mostLinks = 40

/**
 * The path that `path` leads to when `root` is taken for `/`: links, absolute ones too, and `..` stay inside. What does
 * not exist is taken as it is written. Good for as long as nobody else changes the tree; use {@link openInside} where somebody can.
 */
export function resolveInside(root: string, path: string): string {
  let rest = path.split('/')
  let resolved: string[] = []
  for (let links = 0; rest.length > 0; ) {
    const [name = '', ...others] = rest
    rest = others
    if (name === '' || name === '.') continue
    if (name === '..') {
      resolved.pop()
      continue
    }
    const target = readLink(posix.join(root, ...resolved, name))
    if (target === undefined) resolved.push(name)
    else {
      links = followOne(links, path)
      if (target.startsWith('/')) resolved = []
      rest = [...target.split('/'), ...rest]
    }
  }
  return posix.join(root, ...resolved)
}

/**
 * Opens what `path` leads to when `root` is taken for `/`, whatever somebody does to the tree meanwhile. Never opens a
 * device, a fifo or a socket, and never waits. Throws system errors (ENOENT, ENOTDIR, …) or `unsupported`.
 */
export function openInside(root: string, path: string, { flags = constants.O_RDONLY, mode = 0o600 }: OpenInsideOptions = {}): number {
  const base = openSync(root, O_PATH | constants.O_DIRECTORY)
  const trail: number[] = [base]
  try {
    let rest = path.split('/').filter((name) => name !== '' && name !== '.')
    for (let links = 0; rest.length > 0; ) {
      const [name = '', ...others] = rest
      rest = others
      if (name === '..') {
        const left = trail.length > 1 ? trail.pop() : undefined
        if (left !== undefined) closeSync(left)
        continue
      }
      const parent = trail.at(-1) ?? base
      const target = readLink(atDescriptor(parent, name))
      if (target !== undefined) {
        links = followOne(links, path)
        if (target.startsWith('/')) for (const fd of trail.splice(1)) closeSync(fd)
        rest = [...target.split('/').filter((part) => part !== '' && part !== '.'), ...rest]
        continue
      }
      if (rest.length === 0 && flags & constants.O_CREAT) return create(atDescriptor(parent, name), flags, mode)
      const fd = openSync(atDescriptor(parent, name), O_PATH | constants.O_NOFOLLOW)
      trail.push(fd)
      const stats = fstatSync(fd)
      if (stats.isSymbolicLink()) throw changing(path)
      refuseSpecial(stats, path)
    }
    return openSync(atDescriptor(trail.at(-1) ?? base), (flags & ~constants.O_NOFOLLOW) | constants.O_NONBLOCK)
  } finally {
    for (const fd of trail) closeSync(fd)
  }
}

/** Reads a regular file inside a root; `undefined` when it is not there, or no file. Throws `invalid-argument` when it is larger than `maxBytes`. */
export function readFileInside(root: string, path: string, maxBytes = 1 << 20): Buffer | undefined {
  let fd: number
  try {
    fd = openInside(root, path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'unsupported') return undefined
    throw mapFsError(error, path)
  }
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile()) return undefined
    if (stats.size > maxBytes)
      throw new LibpodError(
        'invalid-argument',
        `${path} has ${stats.size} bytes, more than the ${maxBytes} that are read.`,
        { path, value: stats.size },
        { hint: 'It does not look like the file that belongs there.' },
      )
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

function create(path: Buffer, flags: number, mode: number): number {
  const fd = openSync(path, (flags & ~constants.O_TRUNC) | constants.O_NOFOLLOW | constants.O_NONBLOCK, mode)
  try {
    refuseSpecial(fstatSync(fd), path.toString())
    // Only now: a special file must not be touched.
    if (flags & constants.O_TRUNC) ftruncateSync(fd)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function readLink(path: string | Buffer): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EINVAL' || code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

function followOne(links: number, path: string): number {
  if (links < mostLinks) return links + 1
  throw new LibpodError(
    'invalid-argument',
    `${JSON.stringify(path)} goes through more than ${mostLinks} symbolic links.`,
    { path: 'path', value: path },
    { hint: 'Its links most likely point at each other.' },
  )
}

function refuseSpecial(stats: Stats, path: string): void {
  if (stats.isFile() || stats.isDirectory()) return
  throw new LibpodError(
    'unsupported',
    `${path} is neither a file nor a directory.`,
    { what: `opening ${path}` },
    { hint: 'Devices, fifos and sockets are not opened here.' },
  )
}

function changing(path: string): LibpodError {
  return new LibpodError('conflict', `${path} changed while it was opened.`, { what: path }, { hint: 'Try again.' })
}
