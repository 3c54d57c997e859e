import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { AbortOptions } from '../../base/abort.ts'
import { step } from '../../base/steps.ts'
import { cannotMake, makeFolder } from '../../linux/fs/make-folder.ts'
import type { PlannedMount } from '../../oci/monitor.ts'
import { type Accounts, resolveUser } from '../../oci/spec/user.ts'
import type { MountSpec } from '../../storage/snapshotter.ts'
import { useVolume } from '../../volumes/use.ts'
import { bundleOf } from '../places.ts'
import { type ContainerRecord, volumesOf } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { giveSources } from './give-sources.ts'

/** Where the volumes and images of a container are, by their targets, and what is to be mounted for that. */
export interface OpenedMounts {
  readonly sources: ReadonlyMap<string, string>
  readonly mounts: readonly PlannedMount[]
}

/** Makes the folders of the host that the caller wants made. Throws `invalid-argument`, at the option, where that cannot be. */
export async function makeBindSources({ options }: ContainerRecord): Promise<void> {
  for (const [index, { create, source }] of options.mounts.entries()) {
    if (!create || (await isThere(source))) continue
    await makeFolder(source, 0o755).catch((error: unknown) => {
      throw cannotMake(error, source, `mounts[${index}].source`)
    })
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** Makes the volumes and images of a container ready for its start. What was given is given back by `releaseVolumes`. */
export async function openMounts(
  services: ContainersServices,
  record: ContainerRecord,
  { accounts, signal }: AbortOptions & { readonly accounts: Accounts },
): Promise<OpenedMounts> {
  const sources = new Map<string, string>()
  const planned: PlannedMount[] = []
  const plan = (target: string, specs: readonly MountSpec[]): void => {
    const place = join(bundleOf(services.places, record.id), 'mounts', String(sources.size))
    planned.push(...specs.map((spec) => ({ ...spec, target: place, mkdir: 0o700 })))
    sources.set(target, place)
  }
  for (const { target, chainId, snapshot } of record.mountedImages ?? []) {
    if (snapshot !== undefined) plan(target, await services.snapshots.mounts(snapshot))
    else plan(target, chainId === undefined ? [emptyTree] : await services.snapshots.mounts(chainId, { readOnly: true }))
  }
  await openVolumes(services, record, {
    accounts,
    signal,
    found: (target, source) => (source.type === 'mount' ? plan(target, [source.mount]) : void sources.set(target, source.path)),
  })
  await giveSources(services, record, { accounts, sources, planned, signal })
  return { sources, mounts: planned }
}

/** What an image without layers looks like. */
const emptyTree: MountSpec = { type: 'tmpfs', source: 'tmpfs', options: ['ro'] }

async function openVolumes(
  services: ContainersServices,
  record: ContainerRecord,
  {
    accounts,
    signal,
    found,
  }: AbortOptions & {
    readonly accounts: Accounts
    found(target: string, source: Awaited<ReturnType<typeof useVolume>>): void
  },
): Promise<void> {
  const { id, options } = record
  const names = volumesOf(record)
  if (names.length === 0) return
  await step(services.probe, 'start.volumes', () => services.live.set('volumes', id, { names }))
  const root = options.rootfs ?? { mounts: await services.snapshots.mounts(id, { readOnly: true }), at: services.places.runRoot }
  const owner = resolveUser(options, accounts)
  for (const name of names) {
    const mounts = options.mounts.filter(({ type, source }) => type === 'volume' && source === name)
    const copied = mounts.find((mount) => !mount.options.includes('nocopy'))
    const fill = { root, source: (copied ?? mounts[0])?.target ?? '/', copy: copied !== undefined, owner }
    const source = await useVolume(services.volumes, name, { user: id, held: [`container/${id}`], fill, signal })
    for (const { target } of mounts) found(target, source)
  }
}
