import { closeSync, constants, fstatSync, openSync, renameSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { crypto } from '../base/crypto.ts'
import { LibpodError } from '../base/errors.ts'
import { tryFlock } from '../linux/flock.ts'
import { unlinkIfThereSync } from '../linux/fs/unlink.ts'

/** A living engine: leases, half-made things and ephemeral containers name its id, and are cleaned up when it is gone. */
export interface Owner {
  readonly id: string
  /** The owner ends, by its own will. Idempotent. With `dead` it leaves something behind, as one that died does: others look after that. */
  release(options?: { readonly dead?: boolean }): void
}

const suffix = '.lock'
const unborn = '.new'

/**
 * Makes an owner: a file `<uuid>.lock` that is locked as long as this process lives. It is locked before it gets that
 * name, so nobody ever sees a living owner without its lock.
 */
export async function createOwner(directory: string): Promise<Owner> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const id = crypto().randomUUID()
  const path = join(directory, id + suffix)
  const fd = openSync(path + unborn, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    if (!tryFlock(fd, 'exclusive')) throw new LibpodError('internal', `A file just made is locked: ${path}.`, { what: path })
    renameSync(path + unborn, path)
  } catch (error) {
    closeSync(fd)
    throw error
  }
  let released = false
  return {
    id,
    release({ dead = false } = {}) {
      if (released) return
      released = true
      if (!dead) unlinkIfThereSync(path)
      closeSync(fd)
    },
  }
}

/** Whether the process of an owner lives. An owner without a file is gone. */
export function isOwnerAlive(directory: string, id: string): boolean {
  return isHeld(join(directory, id + suffix))
}

/** The owners whose processes are gone, but whose things may still be there. */
export async function deadOwners(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  for (const name of names) if (name.endsWith(suffix + unborn)) removeUnborn(join(directory, name))
  return names
    .filter((name) => name.endsWith(suffix))
    .filter((name) => !isHeld(join(directory, name)))
    .map((name) => name.slice(0, -suffix.length))
}

/** Forgets a dead owner; to be called when its things are cleaned up. A living one stays, and `false` tells so. */
export function forgetOwner(directory: string, id: string): boolean {
  if (isOwnerAlive(directory, id)) return false
  unlinkIfThereSync(join(directory, id + suffix))
  return true
}

/**
 * Looks with a shared lock, which any number of probers can have at once. It cannot get into the owner's way: the owner
 * got its lock before the file had this name, and never asks again.
 */
function isHeld(path: string): boolean {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  try {
    return !tryFlock(fd, 'shared')
  } finally {
    closeSync(fd)
  }
}

/** What is left of a process that died while it made its owner. One that is just being born is younger than a minute. */
function removeUnborn(path: string): void {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    const { mtimeMs } = fstatSync(fd)
    closeSync(fd)
    if (Date.now() - mtimeMs > 60_000) unlinkIfThereSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
