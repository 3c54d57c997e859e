import { type AbortOptions, abortable } from '../../base/abort.ts'
import { isLibpodError } from '../../base/errors.ts'
import { sleep } from '../../base/time.ts'
import { watchPid } from '../../linux/pidfd.ts'
import type { ContainerRecord, LiveContainer } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { isActive } from '../status.ts'
import { readRecord } from '../store.ts'
import { withContainer } from './with-container.ts'

/** Waits for the end of a container's present run. Nothing is held meanwhile. */
export interface WhenEnded {
  /** `false` when `timeoutMs` passed first. */
  wait(options?: AbortOptions & { readonly timeoutMs?: number }): Promise<boolean>
}

/**
 * The end is told by whoever serves the root. The monitor's own death is watched too: a monitor that was killed leaves no exit
 * file, and then nobody would tell.
 */
export function whenEnded(services: ContainersServices, record: ContainerRecord, live: LiveContainer | undefined): WhenEnded {
  return {
    async wait({ signal, timeoutMs } = {}) {
      const done = new AbortController()
      const changes = services.changes.subscribe(record.id)
      let watch = live?.monitorPid === undefined ? undefined : watchPid(live.monitorPid, live.monitorStartTime)
      const late = timeoutMs === undefined ? undefined : sleep(timeoutMs, { signal: done.signal }).then(() => 'late' as const)
      late?.catch(() => {})
      let gone = watch?.exited.then(() => 'gone' as const)
      try {
        for (;;) {
          services.closer.check()
          const now = await readRecord(services, record.id)
          if (now === undefined || !isActive(now.state.status) || now.state.generation !== record.state.generation) return true
          const why = await abortable(Promise.race([changes.changed(), ...(gone ? [gone] : []), ...(late ? [late] : [])]), signal)
          if (why === 'late') return false
          if (why === 'gone') {
            // A container can outlive its monitor; then its first process is what is left to watch.
            watch = live?.pid === undefined ? undefined : watchPid(live.pid, live.pidStartTime)
            gone = watch?.exited.then(() => 'gone' as const)
            await settleNow(services, record.id)
          }
        }
      } finally {
        done.abort()
        changes.close()
        watch?.close()
      }
    },
  }
}

/** Looks at the container now; it may be gone. */
export async function settleNow(services: ContainersServices, id: string): Promise<void> {
  try {
    await withContainer(services, id, {}, async () => ({ result: undefined }))
  } catch (error) {
    if (!isLibpodError(error, 'not-found')) throw error
  }
}
