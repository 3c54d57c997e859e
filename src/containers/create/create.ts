import { stat } from 'node:fs/promises'
import { LibpodError } from '../../base/errors.ts'
import { step } from '../../base/steps.ts'
import { makeVolumes, takeBackCreation } from '../mounts/make-volumes.ts'
import { type CreateContainerOptions, checkCreateOptions } from '../options.ts'
import { type ContainerRecord, snapshotsOf } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { subjectOf } from '../subject.ts'
import { commitContainer } from './commit.ts'
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
  const record = await makePlanned(services, plan, options)
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
): Promise<ContainerRecord> {
  const { id } = plan.record
  const key = `container/${id}`
  const release = await services.locks.acquire(key)
  let isMade = false
  try {
    // Both wait for the disk. What the commit refuses is the better reason, if both fail.
    const [committed, snapshot] = await Promise.allSettled([
      step(services.probe, 'create.commit', () => commitContainer(services, plan, name !== undefined)),
      step(services.probe, 'create.snapshot', () => makeSnapshots(services, plan.record, { signal })),
    ])
    if (committed.status === 'rejected') throw committed.reason
    const { record, volumes } = committed.value
    if (snapshot.status === 'rejected') {
      await takeBackCreation(services, record, volumes).catch((error: unknown) =>
        services.logger.warn(`Taking back container ${record.name}: ${String(error)}`),
      )
      throw snapshot.reason
    }
    await makeVolumes(services, record, volumes)
    isMade = true
    return record
  } catch (error) {
    if (!(await services.registry.get('container', id)))
      for (const snapshot of snapshotsOf(plan.record)) await services.snapshots.remove(snapshot.name)
    throw error
  } finally {
    await release({ remove: !isMade })
  }
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
