import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs'
import { isErrno } from '../../linux/errno.ts'
import { type FlockMode, tryFlock } from '../../linux/flock.ts'

/** A directory that is locked until `release`, or until the process ends. */
export interface DirectoryLock {
  /** Idempotent. */
  release(): void
}

/**
 * Locks a directory itself, so that there is no lock file to make or to remove. Never waits: `taken` when others hold it, `missing` when
 * there is no such directory, or no more.
 */
export function tryLockDirectory(path: string, mode: FlockMode): DirectoryLock | 'taken' | 'missing' {
  const fd = openIfThere(path)
  if (fd === undefined) return 'missing'
  let held = false
  try {
    if (!tryFlock(fd, mode)) return 'taken'
    // Between open and lock it may have gone away under this name.
    held = isStillThere(fd, path)
    if (!held) return 'missing'
  } finally {
    if (!held) closeSync(fd)
  }
  return {
    release() {
      if (held) closeSync(fd)
      held = false
    },
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

function isStillThere(fd: number, path: string): boolean {
  const now = statSync(path, { bigint: true, throwIfNoEntry: false })
  const mine = fstatSync(fd, { bigint: true })
  return now !== undefined && now.ino === mine.ino && now.dev === mine.dev
}
