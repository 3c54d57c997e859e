import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs'

/** The user namespace and the mount namespace of rootless containers, as descriptors of this process: they live while these are open. */
export interface NamespacePair {
  readonly user: number
  readonly mount: number
}

/** Names a namespace as long as it lives: device and inode of its file. */
export function namespaceKey(fd: number): string {
  const { dev, ino } = fstatSync(fd)
  return `${dev}:${ino}`
}

/** The same by a path such as `/proc/123/ns/user`; `undefined` when it leads nowhere, or is not ours to see. */
export function namespaceKeyAt(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path)
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}

/** Opens the namespace behind a path if it is this one. */
export function openNamespaceIf(path: string, key: string): number | undefined {
  // Only looked at first: a descriptor that was closed meanwhile may stand for a fifo now, or for a device that minds being opened.
  if (namespaceKeyAt(path) !== key) return undefined
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
  if (namespaceKey(fd) === key) return fd
  closeSync(fd)
  return undefined
}

export function closePair({ user, mount }: NamespacePair): void {
  closeSync(user)
  closeSync(mount)
}

/** What starts a program inside: it goes before the program and its arguments. The descriptors are named by path, so that none leaks into it. */
export function enterPrefix(nsenter: string, { user, mount }: NamespacePair): [string, ...string[]] {
  const own = (fd: number): string => `/proc/${process.pid}/fd/${fd}`
  return [nsenter, `--user=${own(user)}`, `--mount=${own(mount)}`, '--preserve-credentials', '--']
}
