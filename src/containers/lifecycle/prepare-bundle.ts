import { join } from 'node:path'
import type { AbortOptions } from '../../base/abort.ts'
import { step } from '../../base/steps.ts'
import type { HeldNamespace } from '../../linux/network/namespace.ts'
import { writeBundle } from '../../oci/bundle.ts'
import type { PlannedMount } from '../../oci/monitor.ts'
import { generateSpec } from '../../oci/spec/generate.ts'
import { prepareSpec } from '../../oci/spec/prepare.ts'
import { accountsOf } from '../create/accounts.ts'
import { makeSnapshots } from '../create/make-snapshots.ts'
import { makeBindSources, openMounts } from '../mounts/open-mounts.ts'
import { procMounts } from '../mounts/own-proc.ts'
import { etcFiles } from '../networking/etc-files.ts'
import { namespaceFile } from '../networking/hold.ts'
import { nameForJoiners } from '../networking/joiner-name.ts'
import { bundleOf, hasOwnLogPlace, rootfsOf } from '../places.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { findJoined, type JoinedContainers } from './joined.ts'
import { runtimeOf } from './pins.ts'
import { prepareLog } from './prepare-log.ts'

/** What a start goes on with when the bundle is written. */
export interface PreparedBundle {
  /** The mounts that the container needs. */
  readonly mounts: readonly PlannedMount[]
  readonly joined: JoinedContainers
  /** The file of its log was made now. */
  readonly ownsLog: boolean
}

/** Writes the bundle. */
export async function prepareBundle(
  services: ContainersServices,
  record: ContainerRecord,
  { namespace, signal }: AbortOptions & { readonly namespace: HeldNamespace | undefined },
): Promise<PreparedBundle> {
  const { id, options } = record
  const bundle = bundleOf(services.places, id)
  const rootfs = options.rootfs ?? rootfsOf(services.places, id)
  const [host, runtime] = await Promise.all([services.host(), runtimeOf(services, record)])
  const compileSeccomp = runtime.features.seccompBpf ? services.compileSeccomp : undefined
  if (record.state.generation === 0) await makeSnapshots(services, record, { signal })
  await makeBindSources(record)
  const [accounts, prepared, root, network, joined] = await Promise.all([
    accountsOf(services, record),
    prepareSpec({ options, host, compileSeccomp }),
    rootMounts(services, record, rootfs),
    etcFiles(services, record),
    findJoined(services, record),
    hasOwnLogPlace(services.places, record) ? prepareLog(services, record, host.rootless) : undefined,
  ])
  const opened = await openMounts(services, record, { accounts, signal })
  const { config, files, mounts } = generateSpec({
    id,
    name: record.name,
    options: { ...options, ...joined.ofHost },
    rootfs,
    bundle,
    accounts,
    host,
    cgroupsPath: record.cgroupsPath,
    stopSignal: options.stopSignal,
    autoRemove: options.autoRemove,
    mountSources: opened.sources,
    joined: joined.files,
    ...prepared,
    network,
    namespacePaths: { ...joined.namespacePaths, ...(namespace === undefined ? {} : { network: join(bundle, namespaceFile) }) },
    ...(record.image === undefined ? {} : { image: { id: record.image.id, name: record.image.name } }),
  })
  const shared = joined.files.network?.hosts
  await step(services.probe, 'start.bundle', async () => {
    if (shared !== undefined) await nameForJoiners(shared, record)
    // A mount needs something to lie on.
    await writeBundle(bundle, { config, files: namespace === undefined ? files : { ...files, [namespaceFile]: '' } })
  })
  // The last that can fail: what it makes is not in a folder of the container's own.
  const ownsLog = !hasOwnLogPlace(services.places, record) && (await prepareLog(services, record, host.rootless))
  const own = namespace === undefined ? [] : [namespaceMount(namespace, bundle)]
  const proc = procMounts(services, record, { sharesPids: { ...options, ...joined.ofHost }.pid === 'host' })
  return { mounts: [...proc, ...root, ...mounts, ...opened.mounts, ...own], joined, ownsLog }
}

/** The namespace lasts as long as the container's mount namespace does, which is that of its monitor too. */
function namespaceMount({ path, fd }: HeldNamespace, bundle: string): PlannedMount {
  return { type: 'bind', source: path, descriptor: fd, target: join(bundle, namespaceFile), options: ['bind'] }
}

async function rootMounts(services: ContainersServices, record: ContainerRecord, target: string): Promise<PlannedMount[]> {
  if (record.options.rootfs !== undefined) return []
  const volatile = record.owner !== undefined || record.options.autoRemove
  const mounts = await services.snapshots.mounts(record.id, { volatile })
  return mounts.map((mount) => ({ ...mount, target, mkdir: 0o700 }))
}
