import { systemError } from '../errno.ts'
import { call, inPool, pathArgument, shownPath, tryCall } from './call.ts'
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, F_DUPFD_CLOEXEC, MSG_NOSIGNAL, O_CLOEXEC, syscallNumbers } from './constants.ts'

/** A path as text, or as bytes (without the final NUL) where it need not be UTF-8. */
export type NativePath = string | Uint8Array

/**
 * System calls that Node does not have, or not in this form. Each is one call, made at once on the calling thread. What fails throws
 * an error like those of node:fs (`code`, `errno`, `syscall`, `path`). New descriptors are always close-on-exec.
 */
const functions = {
  mount(source: NativePath, target: NativePath, type: string | null, flags: number, data: NativePath | null): void {
    call('mount', target, pathArgument(source), pathArgument(target), type, flags >>> 0, data === null ? null : pathArgument(data))
  },
  umount2(target: NativePath, flags: number): void {
    call('umount2', target, pathArgument(target), flags)
  },
  /** Opens a mount, or with OPEN_TREE_CLONE a copy of it that is mounted nowhere. */
  open_tree(directory: number, path: NativePath, flags: number): number {
    return check(
      'open_tree',
      tryCall('syscallPath', syscallNumbers.open_tree, directory, pathArgument(path), flags | O_CLOEXEC, 0, 0, 0),
      path,
    )
  },
  /** Puts a mount that is open as `fd` in a place. */
  move_mount(fd: number, target: NativePath): void {
    const { move_mount } = syscallNumbers
    const result = tryCall('syscallPaths', move_mount, fd, '', AT_FDCWD, pathArgument(target), MOVE_MOUNT_F_EMPTY_PATH, 0)
    check('move_mount', result, target)
  },
  unshare(flags: number): void {
    call('unshare', undefined, flags)
  },
  setns(fd: number, kind: number): void {
    call('setns', undefined, fd, kind)
  },
  chroot(path: NativePath): void {
    call('chroot', path, pathArgument(path))
  },
  fchdir(fd: number): void {
    call('fchdir', undefined, fd)
  },

  open(path: NativePath, flags: number, mode = 0): number {
    return functions.openat(AT_FDCWD, path, flags, mode)
  },
  openat(directory: number, path: NativePath, flags: number, mode = 0): number {
    return call('openat', path, directory, pathArgument(path), flags | O_CLOEXEC, mode)
  },
  close(fd: number): void {
    call('close', undefined, fd)
  },
  dup(fd: number): number {
    return call('fcntl', undefined, fd, F_DUPFD_CLOEXEC, 0)
  },
  fcntl(fd: number, command: number, argument = 0): number {
    return call('fcntl', undefined, fd, command, argument)
  },
  /** Reads into `data`; 0 at the end, `undefined` when nothing is there yet (O_NONBLOCK). */
  read(fd: number, data: Uint8Array): number | undefined {
    return unlessAgain('read', tryCall('read', fd, data, data.length))
  },
  /** Writes what fits; `undefined` when nothing fits now (O_NONBLOCK). */
  write(fd: number, data: Uint8Array): number | undefined {
    return unlessAgain('write', tryCall('write', fd, data, data.length))
  },
  lseek(fd: number, offset: number, whence: number): number {
    return call('lseek', undefined, fd, offset, whence)
  },
  fallocate(fd: number, mode: number, offset: number, length: number): void {
    call('fallocate', undefined, fd, mode, offset, length)
  },
  syncfs(fd: number): void {
    call('syncfs', undefined, fd)
  },
  /** The same on a thread of the pool, because it takes as long as the disk does. */
  syncfsInPool(fd: number): Promise<void> {
    return inPool('syncfs', fd).then(() => {})
  },
  /** An `argument` is read and written by the kernel as the request says. */
  ioctl(fd: number, request: number, argument: Uint8Array | null): number {
    return call('ioctl', undefined, fd, request, argument)
  },
  /** A pipe: what is written to `write` comes out of `read`. */
  pipe2(flags = 0): { read: number; write: number } {
    const fds = Buffer.alloc(8)
    call('pipe2', undefined, fds, flags | O_CLOEXEC)
    return { read: fds.readInt32LE(0), write: fds.readInt32LE(4) }
  },
  memfd_create(name: string, flags: number): number {
    return call('memfd_create', undefined, pathArgument(name), flags)
  },

  mkdirat(directory: number, path: NativePath, mode: number): void {
    call('mkdirat', path, directory, pathArgument(path), mode)
  },
  /** `mode` has the kind of the node in it; `device` is of {@link makeDevice}. */
  mknod(path: NativePath, mode: number, device: number): void {
    functions.mknodat(AT_FDCWD, path, mode, device)
  },
  mknodat(directory: number, path: NativePath, mode: number, device: number): void {
    const result = tryCall('syscallPath', syscallNumbers.mknodat, directory, pathArgument(path), mode, device, 0, 0)
    check('mknod', result, path)
  },
  mkfifo(path: NativePath, mode: number): void {
    functions.mknodat(AT_FDCWD, path, S_IFIFO | mode, 0)
  },
  mkfifoat(directory: number, path: NativePath, mode: number): void {
    functions.mknodat(directory, path, S_IFIFO | mode, 0)
  },
  symlinkat(target: NativePath, directory: number, path: NativePath): void {
    call('symlinkat', path, pathArgument(target), directory, pathArgument(path))
  },
  linkat(oldDirectory: number, oldPath: NativePath, directory: number, path: NativePath, flags = 0): void {
    call('linkat', path, oldDirectory, pathArgument(oldPath), directory, pathArgument(path), flags)
  },
  unlinkat(directory: number, path: NativePath, flags = 0): void {
    call('unlinkat', path, directory, pathArgument(path), flags)
  },
  renameat2(oldDirectory: number, oldPath: NativePath, directory: number, path: NativePath, flags = 0): void {
    const { renameat2 } = syscallNumbers
    const result = tryCall('syscallPaths', renameat2, oldDirectory, pathArgument(oldPath), directory, pathArgument(path), flags, 0)
    check('renameat2', result, path)
  },
  lchown(path: NativePath, uid: number, gid: number): void {
    functions.fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW)
  },
  fchownat(directory: number, path: NativePath, uid: number, gid: number, flags = 0): void {
    call('fchownat', path, directory, pathArgument(path), uid, gid, flags)
  },
  fchmodat(directory: number, path: NativePath, mode: number): void {
    call('fchmodat', path, directory, pathArgument(path), mode, 0)
  },
  /** Times are nanoseconds since 1970. */
  utimensat(directory: number, path: NativePath, accessed: bigint, modified: bigint, flags = 0): void {
    const times = Buffer.alloc(32)
    for (const [at, time] of [accessed, modified].entries()) {
      const nanoseconds = ((time % second) + second) % second
      times.writeBigInt64LE((time - nanoseconds) / second, at * 16)
      times.writeBigInt64LE(nanoseconds, at * 16 + 8)
    }
    call('utimensat', path, directory, pathArgument(path), times, flags)
  },

  lsetxattr(path: NativePath, name: string, value: Uint8Array, flags = 0): void {
    call('lsetxattr', path, pathArgument(path), pathArgument(name), value, value.length, flags)
  },
  lgetxattr(path: NativePath, name: string): Buffer {
    const [file, attribute] = [pathArgument(path), pathArgument(name)]
    return grow('lgetxattr', path, (data) => tryCall('lgetxattr', file, attribute, data, data.length))
  },
  llistxattr(path: NativePath): string[] {
    const file = pathArgument(path)
    const list = grow('llistxattr', path, (data) => tryCall('llistxattr', file, data, data.length))
    return list.toString().split('\0').slice(0, -1)
  },
  lremovexattr(path: NativePath, name: string): void {
    call('lremovexattr', path, pathArgument(path), pathArgument(name))
  },

  /** Gives `false` when `operation` has LOCK_NB in it and another holds the lock. */
  flock(fd: number, operation: number): boolean {
    return unlessAgain('flock', tryCall('flock', fd, operation)) !== undefined
  },
  inotify_init1(flags: number): number {
    return call('inotify_init1', undefined, flags | O_CLOEXEC)
  },
  inotify_add_watch(fd: number, path: NativePath, mask: number): number {
    return call('inotify_add_watch', path, fd, pathArgument(path), mask >>> 0)
  },
  inotify_rm_watch(fd: number, watch: number): void {
    call('inotify_rm_watch', undefined, fd, watch)
  },
  epoll_create1(): number {
    return call('epoll_create1', undefined, O_CLOEXEC)
  },
  /** Gives a failure as its negated error number: the reactor looks at each. */
  epoll_ctl(epoll: number, operation: number, fd: number, event: Uint8Array): number {
    return tryCall('epoll_ctl', epoll, operation, fd, event)
  },
  epoll_wait(epoll: number, events: Uint8Array, count: number): number {
    return call('epoll_wait', undefined, epoll, events, count, 0)
  },

  socket(domain: number, type: number, protocol = 0): number {
    return call('socket', undefined, domain, type | SOCK_CLOEXEC, protocol)
  },
  socketpair(domain: number, type: number, protocol = 0): [number, number] {
    const fds = Buffer.alloc(8)
    call('socketpair', undefined, domain, type | SOCK_CLOEXEC, protocol, fds)
    return [fds.readInt32LE(0), fds.readInt32LE(4)]
  },
  bind(fd: number, address: Uint8Array): void {
    call('bind', undefined, fd, address, address.length)
  },
  setsockopt(fd: number, level: number, name: number, value: number): void {
    const data = Buffer.alloc(4)
    data.writeInt32LE(value)
    call('setsockopt', undefined, fd, level, name, data, data.length)
  },
  /** The address that a socket is bound to: `address` is filled. */
  getsockname(fd: number, address: Uint8Array): void {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(address.length)
    call('getsockname', undefined, fd, address, length)
  },
  connect(fd: number, address: Uint8Array): void {
    call('connect', undefined, fd, address, address.length)
  },
  listen(fd: number, backlog: number): void {
    call('listen', undefined, fd, backlog)
  },
  /** `undefined` when nobody is waiting (SOCK_NONBLOCK). */
  accept4(fd: number, flags = 0): number | undefined {
    return unlessAgain('accept4', tryCall('accept4', fd, null, null, flags | SOCK_CLOEXEC))
  },
  /** `undefined` when it does not fit now. */
  send(fd: number, data: Uint8Array, flags = 0): number | undefined {
    return unlessAgain('send', tryCall('send', fd, data, data.length, flags | MSG_NOSIGNAL))
  },
  /** 0 at the end, `undefined` when nothing is there yet. */
  recv(fd: number, data: Uint8Array, flags = 0): number | undefined {
    return unlessAgain('recv', tryCall('recv', fd, data, data.length, flags))
  },
  sendmsg(fd: number, message: Uint8Array, flags = 0): number | undefined {
    return unlessAgain('sendmsg', tryCall('sendmsg', fd, message, flags | MSG_NOSIGNAL))
  },
  recvmsg(fd: number, message: Uint8Array, flags = 0): number | undefined {
    return unlessAgain('recvmsg', tryCall('recvmsg', fd, message, flags))
  },
  shutdown(fd: number, how: number): void {
    call('shutdown', undefined, fd, how)
  },

  pidfd_open(pid: number): number {
    return check('pidfd_open', tryCall('syscall', syscallNumbers.pidfd_open, pid, 0, 0, 0, 0, 0))
  },
  pidfd_send_signal(fd: number, signal: number): void {
    check('pidfd_send_signal', tryCall('syscall', syscallNumbers.pidfd_send_signal, fd, signal, 0, 0, 0, 0))
  },
  /** Fills `info` (a siginfo_t, 128 bytes). */
  waitid(kind: number, id: number, info: Uint8Array, options: number): void {
    call('waitid', undefined, kind, id, info, options)
  },
  /** `pid` may be negative, as in kill(2): a process group. */
  kill(pid: number, signal: number): void {
    call('kill', undefined, pid, signal)
  },
  prctl(option: number, argument: number): number {
    return call('prctl', undefined, option, argument, 0, 0, 0)
  },
  /** Reads a resource limit, and sets it when `limit` is given; `Infinity` is "unlimited". */
  prlimit(pid: number, resource: number, limit?: { readonly soft: number; readonly hard: number }): { soft: number; hard: number } {
    const next = limit === undefined ? null : Buffer.alloc(16)
    next?.writeBigUInt64LE(limitValue(limit?.soft ?? 0), 0)
    next?.writeBigUInt64LE(limitValue(limit?.hard ?? 0), 8)
    const previous = Buffer.alloc(16)
    call('prlimit', undefined, pid, resource, next, previous)
    const [soft, hard] = [previous.readBigUInt64LE(0), previous.readBigUInt64LE(8)]
    return { soft: soft === unlimited ? Infinity : Number(soft), hard: hard === unlimited ? Infinity : Number(hard) }
  },
}

/** The system calls of {@link libc}. */
export type Libc = typeof functions

/** The C library of this process. koffi is loaded at the first call, not before. */
export function libc(): Libc {
  return functions
}

/** A device number as mknod(2) takes it: 12 bits of major, 20 of minor. */
export function makeDevice(major: number, minor: number): number {
  return (((minor & 0xfff00) << 12) | ((major & 0xfff) << 8) | (minor & 0xff)) >>> 0
}

const SOCK_CLOEXEC = O_CLOEXEC
const S_IFIFO = 0o010000
const MOVE_MOUNT_F_EMPTY_PATH = 4
const EAGAIN = 11
const ERANGE = 34
const second = 1_000_000_000n
const unlimited = 0xffffffffffffffffn

function limitValue(limit: number): bigint {
  return limit === Infinity ? unlimited : BigInt(limit)
}

function check(name: string, result: number, path?: NativePath): number {
  if (result < 0) throw systemError(-result, name, shownPath(path))
  return result
}

function unlessAgain(name: string, result: number): number | undefined {
  return result === -EAGAIN ? undefined : check(name, result)
}

/** Reads an attribute with a buffer that is large enough for most, and else as large as it has to be. */
function grow(name: string, path: NativePath, readInto: (data: Buffer) => number): Buffer {
  for (let size = 256; ; ) {
    const data = Buffer.alloc(size)
    const length = readInto(data)
    if (length >= 0) return data.subarray(0, length)
    if (length !== -ERANGE) throw systemError(-length, name, shownPath(path))
    // An empty buffer asks for the size; it may change before the next attempt.
    size = Math.max(size * 2, check(name, readInto(Buffer.alloc(0)), path))
  }
}
