import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { watchFile } from '../linux/inotify.ts'

/** How engines of one root wake each other: who has committed something rings, and all look at what they wait for. */
export interface Doorbell {
  /** Wakes every engine of the root, this one too. Costs some microseconds. */
  ring(): void
  /** Calls `listener` soon after each ring; several rings may be one call. The result takes it back. */
  onRing(listener: () => void): () => void
  /** Idempotent; a ring after it does nothing. */
  close(): void
}

const stroke = Buffer.from('.')

/**
 * Opens the doorbell of a root: a file under the run root of which each ring writes the one byte anew, watched by
 * inotify. It never grows, and says nothing but "look again". It does not keep the process alive.
 */
export function openDoorbell(path: string): Doorbell {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  const listeners = new Set<() => void>()
  const tell = (): void => {
    for (const listener of [...listeners]) listener()
  }
  let closed = false
  const watcher = (() => {
    try {
      return watchFile(path, { events: ['modify'], onEvent: tell, onOverflow: tell })
    } catch (error) {
      closeSync(fd)
      throw error
    }
  })()
  return {
    ring() {
      if (!closed) writeSync(fd, stroke, 0, 1, 0)
    },
    onRing(listener) {
      const own = (): void => listener()
      listeners.add(own)
      return () => listeners.delete(own)
    },
    close() {
      if (closed) return
      closed = true
      watcher.close()
      closeSync(fd)
      listeners.clear()
    },
  }
}
