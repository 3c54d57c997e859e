import type { AbortOptions } from '../../base/abort.ts'
import { isLibpodError } from '../../base/errors.ts'
import type { HeldContainer } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { settle } from './settle.ts'

/** What a verb's work can tell besides its result. */
export interface HeldWork<T> {
  readonly result: T
  /** The container is gone, and its lock with it. */
  readonly removed?: boolean
}

/** Takes the container's lock, brings its record up to date with what happened to its processes, and does the verb's work. */
export async function withContainer<T>(
  services: ContainersServices,
  id: string,
  { signal }: AbortOptions,
  work: (held: HeldContainer) => Promise<HeldWork<T>>,
): Promise<T> {
  services.closer.check()
  const release = await services.locks.acquire(`container/${id}`, { signal })
  let removed = false
  try {
    const held = await settle(services, id).catch((error: unknown) => {
      // It never was, or went just now: its lock file goes too.
      removed = isLibpodError(error, 'not-found')
      throw error
    })
    const done = await work(held)
    removed = done.removed === true
    return done.result
  } finally {
    await release({ remove: removed })
  }
}
