import { constants } from 'node:fs'
import { systemError } from '../errno.ts'
import { type Argument, call, find, inPool, pathArgument, tryCall } from './call.ts'
import { POSIX_SPAWN_SETPGROUP, POSIX_SPAWN_SETSID, POSIX_SPAWN_SETSIGDEF, POSIX_SPAWN_SETSIGMASK } from './constants.ts'

/** What becomes one of the child's descriptors: one of ours, nothing, or a file that the child opens itself (a terminal, say, after `setsid`). */
export type SpawnStdio = number | 'ignore' | { readonly open: string; readonly flags: number }

/** All that posix_spawn is told. */
export interface PosixSpawnOptions {
  readonly file: string
  readonly argv: readonly string[]
  readonly env: readonly string[]
  readonly cwd?: string
  readonly stdio: readonly SpawnStdio[]
  readonly setsid: boolean
  readonly processGroup: boolean
}

/** The structures are at most 336 and 80 bytes in glibc and musl. */
const attributesSize = 1024
const actionsSize = 512
const signalSetSize = 128

/**
 * Starts a program. The child has no signal blocked or ignored, and only the descriptors it was given. This thread waits until the
 * program is loaded (some 0.1 ms, however large this process is), so that a missing one is known at once.
 */
export function posixSpawn(options: PosixSpawnOptions): number {
  const prepared = prepare(options)
  try {
    return prepared.pidAfter(call('posix_spawn', options.file, ...prepared.args))
  } finally {
    prepared.free()
  }
}

/**
 * The same on a thread of the pool, which waits instead of this one: where every processor is busy, a child is loaded only when it has
 * its turn. The descriptors have to stay open until then.
 */
export async function posixSpawnInPool(options: PosixSpawnOptions): Promise<number> {
  const prepared = prepare(options)
  try {
    return prepared.pidAfter(await inPool('posix_spawn', ...prepared.args))
  } finally {
    prepared.free()
  }
}

interface PreparedSpawn {
  readonly args: readonly Argument[]
  /** The child's pid, from what the call gave. */
  pidAfter(errno: number): number
  free(): void
}

function prepare(options: PosixSpawnOptions): PreparedSpawn {
  const attributes = Buffer.alloc(attributesSize)
  const actions = Buffer.alloc(actionsSize)
  succeed('posix_spawnattr_init', attributes)
  succeed('posix_spawn_file_actions_init', actions)
  const free = (): void => {
    succeed('posix_spawn_file_actions_destroy', actions)
    succeed('posix_spawnattr_destroy', attributes)
  }
  try {
    setAttributes(attributes, options)
    if (options.cwd !== undefined) succeed('posix_spawn_file_actions_addchdir_np', actions, pathArgument(options.cwd))
    addDescriptors(actions, options.stdio)
    const pid = Buffer.alloc(4)
    const lists = [
      [...options.argv.map(text), null],
      [...options.env.map(text), null],
    ] as const
    return {
      args: [pid, pathArgument(options.file), actions, attributes, ...lists],
      pidAfter(errno) {
        if (errno !== 0) throw systemError(errno, 'posix_spawn', options.file)
        return pid.readInt32LE(0)
      },
      free,
    }
  } catch (error) {
    free()
    throw error
  }
}

function setAttributes(attributes: Buffer, { setsid, processGroup }: PosixSpawnOptions): void {
  const none = Buffer.alloc(signalSetSize)
  const all = Buffer.alloc(signalSetSize, 0xff)
  succeed('posix_spawnattr_setsigmask', attributes, none)
  succeed('posix_spawnattr_setsigdefault', attributes, all)
  if (processGroup) succeed('posix_spawnattr_setpgroup', attributes, 0)
  const group = (setsid ? POSIX_SPAWN_SETSID : 0) | (processGroup ? POSIX_SPAWN_SETPGROUP : 0)
  succeed('posix_spawnattr_setflags', attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group)
}

/**
 * The child gets its descriptors one after the other, so one of ours that lies among the numbers still to be given would be overwritten
 * before it is its turn: those are first moved out of the way. Ours is close-on-exec, its copy is not.
 */
function addDescriptors(actions: Buffer, stdio: readonly SpawnStdio[]): void {
  const count = stdio.length
  const ours = stdio.filter((entry) => typeof entry === 'number')
  const moved = new Map<number, number>()
  let free = Math.max(count, ...ours) + 1
  for (const fd of ours) {
    if (fd >= count || moved.has(fd)) continue
    succeed('posix_spawn_file_actions_adddup2', actions, fd, free)
    moved.set(fd, free++)
  }
  for (const [target, entry] of stdio.entries()) {
    if (typeof entry === 'number') succeed('posix_spawn_file_actions_adddup2', actions, moved.get(entry) ?? entry, target)
    else if (entry === 'ignore') succeed('posix_spawn_file_actions_addopen', actions, target, '/dev/null', constants.O_RDWR, 0)
    else succeed('posix_spawn_file_actions_addopen', actions, target, pathArgument(entry.open), entry.flags, 0)
  }
  for (const fd of moved.values()) succeed('posix_spawn_file_actions_addclose', actions, fd)
  // Node opens everything close-on-exec; this also closes what a native library of the host opened carelessly. musl does not have it.
  if (find('posix_spawn_file_actions_addclosefrom_np')) succeed('posix_spawn_file_actions_addclosefrom_np', actions, count)
}

/** These functions give the error number itself. */
function succeed(...[name, ...args]: Parameters<typeof tryCall>): void {
  const errno = tryCall(name, ...args)
  if (errno !== 0) throw systemError(Math.abs(errno), name)
}

function text(value: string): string {
  if (value.includes('\0')) throw systemError(EINVAL, 'posix_spawn', value)
  return value
}

const EINVAL = 22
