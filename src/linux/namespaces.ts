import { closeSync, openSync, writeSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { LibpodError } from '../base/errors.ts'
import { makeTreeSlave } from './mounts.ts'
import { libc } from './native/libc.ts'
import { type NamespaceKind, namespacePath } from './proc.ts'

const CLONE_FS = 0x200
const cloneFlags: Readonly<Record<NamespaceKind, number>> = {
  mnt: 0x20000,
  net: 0x40000000,
  user: 0x10000000,
  pid: 0x20000000,
  ipc: 0x8000000,
  uts: 0x4000000,
  cgroup: 0x2000000,
  time: 0x80,
}

/** Opens a namespace of a process. The descriptor pins the namespace, and with it the mounts in it, until it is closed. */
export function openNamespace(pid: number | 'self', kind: NamespaceKind): number {
  try {
    return openSync(namespacePath(pid, kind), 'r')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM')
      throw new LibpodError(
        'permission-denied',
        `The ${kind} namespace of process ${pid} cannot be opened.`,
        { what: namespacePath(pid, kind) },
        { cause: error, hint: 'Only root, or the owner of its user namespace, may.' },
      )
    throw new LibpodError(
      'not-found',
      `There is no process ${pid} with a ${kind} namespace (any more).`,
      { kind: 'process', ref: String(pid) },
      { cause: error },
    )
  }
}

/**
 * Makes a process fit for {@link inNewMountNamespace} and for chroot: its main thread gets a working directory and root of its own.
 * Call it once at the start of the helper process, before anything else.
 */
export async function prepareNamespaces(): Promise<void> {
  // Starts the thread pool now: a thread that is first started inside another namespace would stay, and pin its mounts, for ever.
  await Promise.all(Array.from({ length: 4 }, () => stat('/')))
  libc().unshare(CLONE_FS)
}

/**
 * Runs synchronous `work` in a new mount namespace whose mounts nobody else sees. Programs that `work` spawns stay in it, and when
 * the last of them ends, its mounts go too. Root, working directory and namespace are as before afterwards, also when `work` throws.
 * Only for the helper process, on its main thread.
 */
export function inNewMountNamespace<T>(work: () => T): T {
  return away('mnt', () => {
    libc().unshare(cloneFlags.mnt)
    makeTreeSlave('/')
    return work()
  })
}

/** Runs synchronous `work` inside a namespace that is open as `fd`. Only for the helper process, on its main thread. */
export function inNamespace<T>(kind: 'mnt' | 'net' | 'ipc' | 'uts' | 'cgroup', fd: number, work: () => T): T {
  return away(kind, () => {
    if (kind === 'mnt') libc().unshare(CLONE_FS)
    libc().setns(fd, cloneFlags[kind])
    return work()
  })
}

/**
 * Makes a network namespace and gives a descriptor of it, which keeps it; nothing in it is up yet. Only for the helper process, on its main
 * thread.
 */
export function makeNetworkNamespace(): number {
  return away('net', () => {
    libc().unshare(cloneFlags.net)
    return openNamespace('self', 'net')
  })
}

function away<T>(kind: NamespaceKind, leaveAndWork: () => T): T {
  const home = openSync(namespacePath('self', kind), 'r')
  const root = openSync('/', 'r')
  const cwd = openSync('.', 'r')
  let left = true
  try {
    const result = leaveAndWork()
    if (result instanceof Promise) {
      result.catch(() => {})
      throw asynchronous(kind)
    }
    return result
  } finally {
    try {
      comeHome(kind, { home, root, cwd })
      left = false
    } finally {
      if (left) dieAway(kind)
      for (const fd of [home, root, cwd]) closeSync(fd)
    }
  }
}

function comeHome(kind: NamespaceKind, { home, root, cwd }: { readonly home: number; readonly root: number; readonly cwd: number }): void {
  // A thread started meanwhile shares the working directory again, and setns refuses that.
  if (kind === 'mnt') libc().unshare(CLONE_FS)
  libc().setns(home, cloneFlags[kind])
  if (kind !== 'mnt') return
  // The kernel puts us at the namespace's own root, which is not ours when this process itself lives in a chroot.
  libc().fchdir(root)
  libc().chroot('.')
  libc().fchdir(cwd)
}

/** Whatever this process did next would happen in the wrong namespace. */
function dieAway(kind: NamespaceKind): void {
  writeSync(2, `libpod-ts: cannot return to the ${kind} namespace of this process; ending it.\n`)
  process.kill(process.pid, 'SIGKILL')
}

function asynchronous(kind: NamespaceKind): LibpodError {
  return new LibpodError('internal', `Work in another ${kind} namespace must be synchronous.`, { what: 'namespaces' })
}
