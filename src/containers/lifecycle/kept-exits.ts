import type { ContainerExit, ContainerRecord } from '../record.ts'
import type { ContainersServices, LiveEntries } from '../services.ts'

/** How long it is remembered how a removed container ended: those who wait for it are woken at once. */
const keptMs = 60_000

/** Remembers for a while how a container ended that is about to be removed. */
export async function keepExit(
  services: ContainersServices,
  id: string,
  { exitCode, finishedAt, oomKilled, reason }: ContainerExit,
): Promise<void> {
  const kept: LiveEntries['exit'] = {
    exitCode,
    finishedAt: finishedAt.toISOString(),
    oomKilled,
    keptAt: new Date().toISOString(),
    ...(reason ? { reason } : {}),
  }
  await services.live.set('exit', id, kept)
  // An engine that closes before leaves it to whoever serves next.
  setTimeout(() => void services.live.delete('exit', id).catch(() => {}), keptMs).unref()
}

/** The same for one whose end is recorded, if that was not long ago: others may have waited for it, and look only when it is gone. */
export async function keepEndOf(services: ContainersServices, { id, state }: ContainerRecord): Promise<void> {
  const { exitCode = null, finishedAt, oomKilled = false, reason } = state
  if (finishedAt === undefined || Date.now() - Date.parse(finishedAt) > keptMs) return
  await keepExit(services, id, { exitCode, finishedAt: new Date(finishedAt), oomKilled, ...(reason === undefined ? {} : { reason }) })
}

/** Forgets those whose time is over. */
export async function forgetKeptExits(services: ContainersServices): Promise<void> {
  for (const { id, body } of await services.live.all<LiveEntries['exit']>('exit')) {
    if (Date.now() - Date.parse(body.keptAt) > keptMs) await services.live.delete('exit', id)
  }
}
