import { stat } from 'node:fs/promises'
import type { AbortOptions } from '../../base/abort.ts'
import { LibpodError } from '../../base/errors.ts'
import { step } from '../../base/steps.ts'
import { makeVolumes, takeBackCreation } from '../mounts/make-volumes.ts'
import { type CreateContainerOptions, checkCreateOptions } from '../options.ts'
import { type ContainerRecord, snapshotsOf } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { readRecord } from '../store.ts'
import { subjectOf } from '../subject.ts'
import { commitContainer } from './commit.ts'
import { resolveJoined } from './joined.ts'
import { makeSnapshots } from './make-snapshots.ts'
import { type CreateInternals, planContainer } from './plan.ts'
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
  const { id } = plan.record
  const snapshots = snapshotsOf(plan.record).map(({ name }) => name)
  const made = (): Promise<void> => step(services.probe, 'create.made', () => services.live.delete('making', id))
  try {
    // All wait for the disk. What the commit refuses is the better reason, if more than one fails.
    const [committed, snapshot] = await Promise.allSettled([
      step(services.probe, 'create.commit', () => commitContainer(services, plan, options.name !== undefined)),
      snapshots.length === 0 ? undefined : makeMarked(services, plan.record, { snapshots, signal: options.signal }),
    ])
    if (committed.status === 'rejected') throw committed.reason
    const { record, volumes } = committed.value
    if (snapshot.status === 'rejected') {
      await takeBackCreation(services, record, volumes).catch((error: unknown) =>
        services.logger.warn(`Taking back container ${record.name}: ${String(error)}`),
      )
      throw snapshot.reason
    }
    // Somebody may have removed it already, and found no snapshot to remove.
    if ((await readRecord(services, id)) === undefined) for (const name of snapshots) await services.snapshots.remove(name)
    await makeVolumes(services, record, volumes)
    const told = step(services.probe, 'create.event', () => services.emit({ ...subjectOf(record), action: 'create' }))
    told.catch(() => {})
    // A mark that is left says nothing wrong.
    services.background.run(made, (error) => services.logger.warn(`Creating container ${record.name}: ${String(error)}`))
    return { record, told }
  } catch (error) {
    if (!(await services.registry.get('container', id))) for (const name of snapshots) await services.snapshots.remove(name)
    await made()
    throw error
  }
}

/** Says first that they are being made: snapshots of containers that nobody knows are swept. */
async function makeMarked(
  services: ContainersServices,
  record: ContainerRecord,
  { snapshots, signal }: AbortOptions & { readonly snapshots: readonly string[] },
): Promise<void> {
  const making = { owner: services.owner, snapshots }
  await step(services.probe, 'create.making', () => services.live.set('making', record.id, making))
  await step(services.probe, 'create.snapshot', () => makeSnapshots(services, record, { signal }))
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
