import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { randomHex } from '../../base/crypto.ts'
import { isLibpodError } from '../../base/errors.ts'
import { cgroupExists, removeCgroup } from '../../linux/cgroups/manage.ts'
import { killCgroup } from '../../linux/cgroups/processes.ts'
import { isErrno } from '../../linux/errno.ts'
import { unlinkIfThereSync } from '../../linux/fs/unlink.ts'
import type { HeldNamespace } from '../../linux/network/namespace.ts'
import { cgroupOf } from '../cgroup-of.ts'
import { holdNetwork } from '../networking/hold.ts'
import { bundleOf, exitsDirOf, goneSuffix, monitorPlaceOf } from '../places.ts'
import { type ContainerRecord, containerKind } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { requireRecord } from '../store.ts'
import { monitorOf, runtimeOf } from './pins.ts'
import { leavePodCgroup } from './pod-cgroup.ts'
import { releaseParts } from './release.ts'

/**
 * Takes back whatever a start has made so far. Idempotent. Without its bundle no monitor can begin any more; what had begun
 * before is looked for after that.
 */
export async function undoStart(services: ContainersServices, id: string, namespace?: HeldNamespace | undefined): Promise<void> {
  const record = await requireRecord(services, id)
  const place = monitorPlaceOf(services.places, id)
  const monitor = record.pins.monitor === 'direct' ? undefined : monitorOf(services, record)
  const noted = await monitor?.recover(place)
  // It goes with the monitor, and is still needed.
  const held = namespace ?? holdNetwork(services.places, id, noted ?? {})
  const away = await moveBundle(bundleOf(services.places, id))
  if (monitor !== undefined) {
    const found = noted ?? (await monitor.recover(place))
    if (found) await monitor.end(found)
  }
  // Without a cgroup there is no other way to find what a runtime had begun but not yet written down.
  if (monitor === undefined || record.cgroupsPath === '') await services.direct.end(place)
  try {
    await (await runtimeOf(services, record)).delete(id, { force: true })
  } catch (error) {
    if (!isLibpodError(error, 'command-failed')) throw error
    services.logger.warn(`Taking back a start of container ${id.slice(0, 12)}: ${error.message}`)
  }
  await Promise.all([clearCgroup(services, record), releaseParts(services, record, held)])
  await leavePodCgroup(services, record)
  if (away !== undefined) await rm(away, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 })
  // Its program may have run and ended before: of a run that was taken back nobody wants to know that.
  unlinkIfThereSync(join(exitsDirOf(services.places), id))
  await services.live.delete(containerKind.kind, id)
}

/** Out of the way at once, which removing is not while a monitor still writes; what is left so is swept by the next recovery. */
async function moveBundle(bundle: string): Promise<string | undefined> {
  const away = `${bundle}.${randomHex(6)}${goneSuffix}`
  try {
    await rename(bundle, away)
    return away
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

/** A runtime that was killed before it wrote its state down leaves a cgroup that it does not know any more. */
async function clearCgroup(services: ContainersServices, record: ContainerRecord): Promise<void> {
  const paths = await cgroupOf(services, record)
  if (paths === undefined || !(await cgroupExists(paths))) return
  await killCgroup(paths)
  await removeCgroup(paths)
}
