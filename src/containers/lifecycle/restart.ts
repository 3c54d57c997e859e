import type { ContainersServices } from '../services.ts'
import { checkStatus, isActive } from '../status.ts'
import { requireRecord } from '../store.ts'
import { subjectOf } from '../subject.ts'
import { startContainer } from './start.ts'
import { checkStopOptions, type StopContainerOptions, stopContainer } from './stop.ts'

/** Stops a container if it runs, and starts it. */
export async function restartContainer(services: ContainersServices, id: string, options: StopContainerOptions = {}): Promise<void> {
  await checkStopOptions(options)
  const record = await requireRecord(services, id)
  checkStatus('restart', record)
  if (isActive(record.state.status)) await stopContainer(services, id, options, { restarts: true })
  await startContainer(services, id, { signal: options.signal })
  await services.emit({ ...subjectOf(record), action: 'restart' })
}
