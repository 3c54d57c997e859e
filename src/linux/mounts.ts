import { LibpodError } from '../base/errors.ts'
import { mapFsError } from './fs/disk.ts'
import { lockedFlags, parseMountOptions } from './mount-options.ts'
import { libc } from './native/libc.ts'

/** A mount to make. */
export interface MountSpec {
  readonly type: string
  readonly source: string
  readonly target: string
  /** As `mount -o` takes them: flags, propagation, and what is meant for the file system. */
  readonly options: readonly string[]
  /** Relative paths in the options begin here. Changes the working directory for the moment: only for the helper process. */
  readonly workdir?: string
}

/** How {@link unmount} goes about it. */
export interface UnmountOptions {
  /** Take it out of the tree now, and let go of the file system when nobody uses it any more. */
  readonly detach?: boolean
  /** Refuse a target that is a symbolic link. */
  readonly noFollow?: boolean
}

const MS_REMOUNT = 0x20
const MS_BIND = 0x1000
const MS_REC = 0x4000
const MS_SLAVE = 0x80000
const MNT_DETACH = 2
const UMOUNT_NOFOLLOW = 8
const pageSize = 4096

/** Makes one mount, in as many calls as its options need. */
export function mount(spec: MountSpec): void {
  const { flags, data, propagation, bind } = parseMountOptions(spec)
  if (data !== undefined && Buffer.byteLength(data) >= pageSize) throw optionsTooLong(spec)
  try {
    if (bind) bindMount(spec, flags)
    else inWorkdir(spec.workdir, () => libc().mount(spec.source, spec.target, spec.type, flags, data ?? null))
    for (const change of propagation) libc().mount('none', spec.target, null, change, null)
  } catch (error) {
    throw mountFailed(error, spec)
  }
}

/** Takes a mount away. Gives `false` when nothing is mounted there. */
export function unmount(target: string, { detach = false, noFollow = false }: UnmountOptions = {}): boolean {
  try {
    libc().umount2(target, (detach ? MNT_DETACH : 0) | (noFollow ? UMOUNT_NOFOLLOW : 0))
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EINVAL' || code === 'ENOENT') return false
    if (code !== 'EBUSY') throw mapFsError(error, target)
    throw new LibpodError(
      'in-use',
      `${target} cannot be unmounted: a process still uses it.`,
      { kind: 'mount', ref: target, users: [] },
      { cause: error, hint: 'End the processes that work in it, or detach it.' },
    )
  }
}

/** From now on mounts made in this namespace below `path` stay in it, while those made outside still come in. */
export function makeTreeSlave(path: string): void {
  try {
    libc().mount('none', path, null, MS_REC | MS_SLAVE, null)
  } catch (error) {
    throw mapFsError(error, path)
  }
}

/** The flags of a bind mount only come with a second call: the first ignores them. */
function bindMount(spec: MountSpec, flags: number): void {
  if (flags & MS_REMOUNT) {
    remountBind(spec.target, flags & ~MS_REC)
    return
  }
  const restrictions = flags & ~(MS_BIND | MS_REC)
  inWorkdir(spec.workdir, () => libc().mount(spec.source, spec.target, null, flags & (MS_BIND | MS_REC), null))
  if (restrictions === 0) return
  try {
    remountBind(spec.target, restrictions)
  } catch (error) {
    libc().umount2(spec.target, MNT_DETACH | UMOUNT_NOFOLLOW)
    throw error
  }
}

function remountBind(target: string, restrictions: number): void {
  const flags = MS_REMOUNT | MS_BIND | restrictions
  try {
    libc().mount('none', target, null, flags, null)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
    // In a user namespace the restrictions that the source came with are locked and have to be named again.
    libc().mount('none', target, null, flags | lockedFlags(target), null)
  }
}

function inWorkdir(workdir: string | undefined, work: () => void): void {
  if (workdir === undefined) {
    work()
    return
  }
  const before = process.cwd()
  process.chdir(workdir)
  try {
    work()
  } finally {
    process.chdir(before)
  }
}

function optionsTooLong(spec: MountSpec): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `The options of the ${spec.type} mount at ${spec.target} have more than the ${pageSize - 1} bytes that the kernel takes.`,
    { path: 'options' },
    { hint: 'Use fewer or shorter paths in them, for instance relative ones.' },
  )
}

function mountFailed(error: unknown, spec: MountSpec): Error {
  const { code } = error as NodeJS.ErrnoException
  const what = `Mounting ${spec.source} (${spec.type}) at ${spec.target} failed`
  if (code === 'EINVAL' || code === 'ENOTBLK' || code === 'ELOOP')
    return new LibpodError(
      'invalid-argument',
      `${what}: the kernel refuses the options ${JSON.stringify(spec.options.join(','))} (${code}).`,
      { path: 'options', value: spec.options },
      { cause: error, hint: 'The kernel log (dmesg) says more.' },
    )
  if (code === 'EBUSY')
    return new LibpodError(
      'conflict',
      `${what}: something else uses the source or the target.`,
      { what: `mount ${spec.target}` },
      { cause: error, hint: 'The upper and work directories of an overlay can only be mounted once at a time.' },
    )
  if (code === 'ENODEV')
    return new LibpodError(
      'unsupported',
      `${what}: this kernel does not know the file system.`,
      { what: `file system ${spec.type}` },
      { cause: error, hint: `Load its module (modprobe ${spec.type}).` },
    )
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new LibpodError(
      'not-found',
      `${what}: the source or the target is missing.`,
      { kind: 'mount', ref: spec.target },
      { cause: error, hint: 'Both must be there, and be of the same kind: two directories or two files.' },
    )
  return mapFsError(error, spec.target)
}
