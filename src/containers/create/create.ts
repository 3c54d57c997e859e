import { stat } from 'node:fs/promises'
import { LibpodError } from '../../base/errors.ts'
import { step } from '../../base/steps.ts'
import { makeVolumes, takeBackCreation } from '../mounts/make-volumes.ts'
import { type CreateContainerOptions, checkCreateOptions } from '../options.ts'
import { type ContainerRecord, snapshotsOf } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { readRecord } from '../store.ts'
import { subjectOf } from '../subject.ts'
import { type CommittedContainer, commitContainer } from './commit.ts'
import { resolveJoined } from './joined.ts'
import { makeSnapshots } from './make-snapshots.ts'
import { type CreateInternals, type PlannedContainer, planContainer } from './plan.ts'
import { joinPod } from './pod-member.ts'

/** A container that is there, and is being told of. */
export interface BegunContainer {
  readonly record: ContainerRecord
  /** The event is in the log. */
  readonly told: Promise<void>
}

/** Creates a container and gives its record. */
export async function createContainer(
  services: ContainersServices,
  options: CreateContainerOptions,
  internals: CreateInternals = {},
): Promise<ContainerRecord> {
  const { record, told } = await beginContainer(services, options, internals)
  await told
  return record
}

/** Creates a container for one who goes on with it while others are told. */
export async function beginContainer(
  services: ContainersServices,
  given: CreateContainerOptions,
  internals: CreateInternals = {},
): Promise<BegunContainer> {
  services.closer.check()
  const options = await checkCreateOptions(given)
  options.signal?.throwIfAborted()
  if (options.rootfs !== undefined) await checkRootfs(options.rootfs)
  const image =
    options.image === undefined ? undefined : await services.image(options.image, { pull: options.pull, signal: options.signal })
  const member = await joinPod(services, options)
  const planned = await planContainer(services, await resolveJoined(services, member.options), image, internals)
  const plan = member.pod === undefined ? planned : { ...planned, record: { ...planned.record, pod: member.pod.id } }
  options.signal?.throwIfAborted()
  const { record, volumes } = await makePlanned(services, plan, options)
  try {
    await makeVolumes(services, volumes, { signal: options.signal })
  } catch (error) {
    // What went wrong first is the reason.
    await takeBack(services, record, volumes).catch(tell(services, record))
    throw error
  }
  const told = step(services.probe, 'create.event', () => services.emit({ ...subjectOf(record), action: 'create' }))
  told.catch(() => {})
  return { record, told }
}

/**
 * Makes a container's record and snapshots, under its lock: what is there of a container without a record, and is not locked, is what is left
 * of one whose making was cut off.
 */
async function makePlanned(
  services: ContainersServices,
  plan: PlannedContainer,
  { name, signal }: Pick<CreateContainerOptions, 'name' | 'signal'>,
): Promise<CommittedContainer> {
  const { id } = plan.record
  const release = await services.locks.acquire(lockOf(plan.record))
  let isMade = false
  try {
    // Both wait for the disk. What the commit refuses is the better reason, if both fail.
    const [committed, snapshot] = await Promise.allSettled([
      step(services.probe, 'create.commit', () => commitContainer(services, plan, name !== undefined)),
      step(services.probe, 'create.snapshot', () => makeSnapshots(services, plan.record, { signal })),
    ])
    if (committed.status === 'rejected') throw committed.reason
    if (snapshot.status === 'rejected') {
      const { record, volumes } = committed.value
      await takeBackCreation(services, record, volumes).catch(tell(services, record))
      throw snapshot.reason
    }
    isMade = true
    return committed.value
  } catch (error) {
    if (!(await services.registry.get('container', id))) await removeSnapshots(services, plan.record)
    throw error
  } finally {
    await release({ remove: !isMade })
  }
}

/** Takes back a container of which nobody was told, unless somebody has found it all the same and started it: he has made its volumes. */
async function takeBack(services: ContainersServices, record: ContainerRecord, volumes: readonly string[]): Promise<void> {
  const release = await services.locks.acquire(lockOf(record))
  let isGone = false
  try {
    const now = await readRecord(services, record.id)
    isGone = now === undefined || now.state.generation === record.state.generation
    if (!isGone) return
    if (now !== undefined) await takeBackCreation(services, record, volumes)
    await removeSnapshots(services, record)
  } finally {
    await release({ remove: isGone })
  }
}

/** What goes wrong when something is taken back. */
function tell({ logger }: ContainersServices, { name }: ContainerRecord): (error: unknown) => void {
  return (error) => logger.warn(`Taking back container ${name}: ${String(error)}`)
}

async function removeSnapshots(services: ContainersServices, record: ContainerRecord): Promise<void> {
  for (const { name } of snapshotsOf(record)) await services.snapshots.remove(name)
}

function lockOf({ id }: ContainerRecord): string {
  return `container/${id}`
}

async function checkRootfs(rootfs: string): Promise<void> {
  const isFolder = await stat(rootfs).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (isFolder) return
  throw new LibpodError(
    'invalid-argument',
    `rootfs: ${rootfs} is not a folder.`,
    { path: 'rootfs', value: rootfs },
    { hint: 'Give the folder of an exploded root filesystem; images.import() takes a tarball.' },
  )
}
