import { closeSync, constants, fstatSync, openSync, readdirSync, realpathSync, rmdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isLibpodError, LibpodError } from '../base/errors.ts'
import { isErrno } from '../linux/errno.ts'
import { areApart } from '../linux/fs/apart.ts'
import { openInside } from '../linux/fs/contained-path.ts'
import { copyMetadata, copyTree } from '../linux/fs/copy-tree.ts'
import { atDescriptor } from '../linux/fs/descriptor-path.ts'
import { mapFsError } from '../linux/fs/disk.ts'
import { giveTo } from '../linux/fs/give-to.ts'
import { removeTree } from '../linux/fs/remove-tree.ts'
import { mount } from '../linux/mounts.ts'
import { inNewMountNamespace } from '../linux/namespaces.ts'
import { AT_FDCWD } from '../linux/native/constants.ts'
import { libc } from '../linux/native/libc.ts'
import type { MountSpec } from './snapshotter.ts'

/** A folder of a container's root file system that is to fill a volume. */
export interface CopyUpRequest {
  /** The root file system: a folder, or how it is mounted, and a folder to mount it on where nobody else sees that. */
  readonly root: string | { readonly mounts: readonly MountSpec[]; readonly at: string }
  /** The folder in it. A stranger made it: links lead nowhere else. */
  readonly source: string
  /** The volume. */
  readonly target: string
  /**
   * A folder on the volume's file system, there or not, apart from the volume. `partial` and `ready` in it are this work's own, and
   * what is in them is what was cut off; it goes in the end if nothing else is in it.
   */
  readonly stage: string
  /** Copy the content, which comes with the folder's owner and mode. */
  readonly copy: boolean
  /** Without content, too, the owner and mode of the folder are taken, or this owner's if there is no such folder. */
  readonly owner?: { readonly uid: number; readonly gid: number }
}

/** What became of the volume: it is filled; there was nothing to fill it with; or it was not empty, and so was left as it is. */
export type CopyUpOutcome = 'copied' | 'empty' | 'occupied'

const openFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const RENAME_NOREPLACE = 1

/**
 * Fills an empty volume. The copy is made beside it, where no container can reach it, and moved in when it is whole: so this can
 * be cut off anywhere, and done again. For the helper process; comes back now and then, as `copyTree` does.
 */
export function* copyUp(request: CopyUpRequest): Generator<void, CopyUpOutcome> {
  const { target, stage } = request
  const partial = join(stage, 'partial')
  const ready = join(stage, 'ready')
  const opened: number[] = []
  const open = (path: string | Buffer): number => {
    const fd = openSync(path, openFlags)
    opened.push(fd)
    return fd
  }
  try {
    const volume = open(target)
    checkApart(stage, target)
    if (moveIn(ready, volume)) return done(stage, 'copied')
    clear(stage)
    if (readdirSync(atDescriptor(volume)).length > 0) return 'occupied'
    const source = openSource(request)
    if (source !== undefined) opened.push(source)
    if (source === undefined || !request.copy || readdirSync(atDescriptor(source)).length === 0) {
      if (request.owner !== undefined) takeOver(volume, source, request.owner)
      return 'empty'
    }
    makeStage(stage)
    libc().mkdirat(AT_FDCWD, partial, 0o700)
    yield* copyTree(atDescriptor(source, '.').toString(), partial)
    libc().renameat2(AT_FDCWD, partial, AT_FDCWD, ready)
    moveIn(ready, volume)
    return done(stage, 'copied')
  } catch (error) {
    throw isErrno(error, 'EXDEV') ? notApart(stage, target, error) : mapFsError(error, target)
  } finally {
    for (const fd of opened) closeSync(fd)
  }
}

function done(stage: string, outcome: CopyUpOutcome): CopyUpOutcome {
  clear(stage)
  return outcome
}

/** Whoever keeps the volume said where the stage is, and may have things of its own there: only what this work makes is taken away. */
function clear(stage: string): void {
  for (const name of ['partial', 'ready']) removeTree(join(stage, name))
  try {
    rmdirSync(stage)
  } catch (error) {
    // It is not there, or somebody else's too: something is in it, it is a link, something is mounted on it, or it may only be read.
    if (!isErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EBUSY', 'EROFS')) throw error
  }
}

function makeStage(stage: string): void {
  try {
    libc().mkdirat(AT_FDCWD, stage, 0o700)
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  }
}

/** What is removed from the stage must never be the volume, or something in it, whatever links lead there. */
function checkApart(stage: string, target: string): void {
  const real = realStage(stage)
  if (real === undefined || !areApart(real, realpathSync(target))) throw notApart(stage, target)
}

function notApart(stage: string, target: string, cause?: unknown): LibpodError {
  return new LibpodError(
    'internal',
    `The volume in ${target} cannot be filled by way of ${stage}: that is no folder apart from it on the same file system.`,
    { what: `stage ${stage}` },
    { hint: 'Look at the volume driver that named it: a stage is a folder beside the volume.', ...(cause === undefined ? {} : { cause }) },
  )
}

/** Where the stage is or will be; `undefined` where no folder can be. */
function realStage(stage: string): string | undefined {
  try {
    const there = statSync(stage, { throwIfNoEntry: false })
    if (there === undefined) return join(realpathSync(dirname(stage)), basename(stage))
    return there.isDirectory() ? realpathSync(stage) : undefined
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined
    throw error
  }
}

/** Moves a whole copy into the volume; `false` if there is none. What has come into the volume meanwhile stays. */
function moveIn(ready: string, volume: number): boolean {
  let from: number
  try {
    from = openSync(ready, openFlags)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
  try {
    // Before it changes: moving things out of it sets its time.
    const stats = fstatSync(from, { bigint: true })
    for (const name of readdirSync(atDescriptor(from), { encoding: 'buffer' })) {
      try {
        libc().renameat2(from, name, volume, name, RENAME_NOREPLACE)
      } catch (error) {
        if (!isErrno(error, 'EEXIST')) throw error
      }
    }
    takeMetadata(from, volume, stats)
    return true
  } finally {
    closeSync(from)
  }
}

function takeOver(volume: number, source: number | undefined, { uid, gid }: NonNullable<CopyUpRequest['owner']>): void {
  if (source === undefined) giveTo(atDescriptor(volume, '.'), { uid, gid })
  else takeMetadata(source, volume)
}

function takeMetadata(from: number, to: number, stats = fstatSync(from, { bigint: true })): void {
  copyMetadata(atDescriptor(from, '.'), atDescriptor(to, '.'), stats)
}

/** The descriptor keeps the mount, which no name leads to any more. `undefined` where there is no such folder. */
function openSource({ root, source }: CopyUpRequest): number | undefined {
  if (typeof root === 'string') return openFolder(root, source)
  return inNewMountNamespace(() => {
    for (const spec of root.mounts) mount({ ...spec, target: root.at })
    return openFolder(root.at, source)
  })
}

function openFolder(root: string, path: string): number | undefined {
  try {
    return openInside(root, path, { flags: constants.O_RDONLY | constants.O_DIRECTORY })
  } catch (error) {
    // A file, or links in a circle: the runtime will say what it thinks of that.
    if (isErrno(error, 'ENOENT', 'ENOTDIR') || isLibpodError(error)) return undefined
    throw error
  }
}
