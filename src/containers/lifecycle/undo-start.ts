import { rm } from 'node:fs/promises'
import { isLibpodError } from '../../base/errors.ts'
import { cgroupExists, removeCgroup } from '../../linux/cgroups/manage.ts'
import { killCgroup } from '../../linux/cgroups/processes.ts'
import { cgroupOf } from '../cgroup-of.ts'
import { bundleOf, monitorPlaceOf } from '../places.ts'
import { type ContainerRecord, containerKind } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { requireRecord } from '../store.ts'
import { monitorOf, runtimeOf } from './pins.ts'

/**
 * Takes back whatever a start has made so far. Idempotent. Without its bundle no monitor can begin any more; what had begun
 * before is looked for after that.
 */
export async function undoStart(services: ContainersServices, id: string): Promise<void> {
  const record = await requireRecord(services, id)
  const place = monitorPlaceOf(services.places, id)
  if (record.pins.monitor === 'direct') {
    await rm(bundleOf(services.places, id), { recursive: true, force: true })
    await services.direct.end(place)
  } else {
    const monitor = monitorOf(services, record)
    const noted = await monitor.recover(place)
    await rm(bundleOf(services.places, id), { recursive: true, force: true })
    const found = noted ?? (await monitor.recover(place))
    if (found) await monitor.end(found)
  }
  try {
    await (await runtimeOf(services, record)).delete(id, { force: true })
  } catch (error) {
    if (!isLibpodError(error, 'command-failed')) throw error
    services.logger.warn(`Taking back a start of container ${id.slice(0, 12)}: ${error.message}`)
  }
  await clearCgroup(services, record)
  await services.live.delete(containerKind.kind, id)
}

/** A runtime that was killed before it wrote its state down leaves a cgroup that it does not know any more. */
async function clearCgroup(services: ContainersServices, record: ContainerRecord): Promise<void> {
  const paths = await cgroupOf(services, record)
  if (!(await cgroupExists(paths))) return
  await killCgroup(paths)
  await removeCgroup(paths)
}
