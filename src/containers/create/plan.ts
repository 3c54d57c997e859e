import { join } from 'node:path'
import { newId } from '../../base/ids.ts'
import { randomName } from '../../base/names.ts'
import { parseSignal } from '../../linux/signals.ts'
import { normalizeDns, type Resolver } from '../../network/dns-option.ts'
import { normalizePorts } from '../../network/ports-option.ts'
import { defaultCgroupsPath } from '../../oci/spec/cgroups-path.ts'
import type { NormalizedNetwork } from '../../oci/spec/namespaces.ts'
import { normalizeSpecOptions } from '../../oci/spec/spec-options.ts'
import type { ImageRecord } from '../../storage/image-store.ts'
import type { VolumeRecord } from '../../volumes/record.ts'
import { withImageVolumes } from '../mounts/image-volumes.ts'
import { planImageMounts } from '../mounts/plan-images.ts'
import { planVolumes } from '../mounts/plan-volumes.ts'
import { resolveNetwork } from '../networking/resolve.ts'
import type { StoredOptions } from '../options.ts'
import { staticDirOf } from '../places.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { chooseRuntime } from './choose-runtime.ts'
import type { JoinedOptions } from './joined.ts'

const defaultStopTimeoutMs = 10_000

/** What only the engine itself decides of a new container. */
export interface CreateInternals {
  /** The engine it goes with: it is ephemeral. */
  readonly owner?: string
  /** It is run as a child of the engine, and so is running from the beginning. */
  readonly direct?: boolean
  /** It is the infra container of this pod. */
  readonly infraOf?: string
}

/** A container to be, with the volumes it names, as they are made if they are not there. */
export interface PlannedContainer {
  readonly record: ContainerRecord
  readonly volumes: readonly VolumeRecord[]
}

/** From options and image to a record. Nothing is made yet. */
export async function planContainer(
  services: ContainersServices,
  { options, hostname: joinedHostname }: JoinedOptions,
  image: ImageRecord | undefined,
  { owner, direct = false, infraOf }: CreateInternals,
): Promise<PlannedContainer> {
  const host = await services.host()
  const runtime = await chooseRuntime(services, options.runtime)
  const id = newId()
  const name = options.name ?? randomName()
  const mounts = withImageVolumes(options, image?.runConfig.volumes ?? [])
  const network = await resolveNetwork(services, options.network)
  const hasNetworks = typeof network === 'object' && 'networks' in network
  const spec = normalizeSpecOptions(
    { ...options, mounts, network },
    { id, host, joinedHostname, ...(image ? { image: image.runConfig } : {}) },
  )
  const autoRemove = options.autoRemove ?? false
  const named = planVolumes(services, spec.mounts, autoRemove || owner !== undefined ? id : undefined)
  const mountedImages = await planImageMounts(services, spec.mounts, id)
  const driver = options.log?.driver === 'json-file' ? 'k8s-file' : (options.log?.driver ?? 'k8s-file')
  const stored: StoredOptions = {
    ...spec,
    ...normalizePorts(options, hasNetworks),
    ...normalizeDns(options, resolverOf(network)),
    ...(infraOf === undefined ? {} : { pause: true }),
    mounts: named.mounts,
    labels: { ...image?.labels, ...options.labels },
    restart: options.restart ?? { policy: 'no' },
    autoRemove,
    log: { driver, ...(options.log?.maxSizeBytes === undefined ? {} : { maxSizeBytes: options.log.maxSizeBytes }) },
    stopSignal: parseSignal(options.stopSignal ?? image?.runConfig.stopSignal ?? 'SIGTERM', 'stopSignal'),
    stopTimeoutMs: options.stopTimeoutMs ?? defaultStopTimeoutMs,
    ...(options.cgroupParent === undefined ? {} : { cgroupParent: options.cgroupParent }),
    ...(options.rootfs === undefined ? {} : { rootfs: options.rootfs }),
  }
  const record: ContainerRecord = {
    id,
    name,
    createdAt: new Date().toISOString(),
    ...(image === undefined
      ? {}
      : {
          image: {
            id: image.id,
            name: nameOf(image, options.image),
            ...(image.topChainId === undefined ? {} : { chainId: image.topChainId }),
          },
        }),
    options: stored,
    ...(mountedImages.length === 0 ? {} : { mountedImages }),
    pins: {
      runtime: runtime.name,
      runtimePath: runtime.path,
      monitor: direct ? 'direct' : 'conmon',
      logDriver: driver,
      ...(options.rootfs === undefined ? { snapshotter: services.snapshots.driver } : {}),
    },
    logPath: options.log?.path ?? join(staticDirOf(services.places, id), 'ctr.log'),
    cgroupsPath: defaultCgroupsPath({
      id,
      parent: options.cgroupParent,
      systemd: host.systemdCgroup,
      delegatedControllers: host.delegatedControllers,
    }),
    ...(owner === undefined ? {} : { owner }),
    ...(infraOf === undefined ? {} : { pod: infraOf, infra: true }),
    state: direct
      ? { status: 'running', generation: 1, restartCount: 0, startedAt: new Date().toISOString() }
      : { status: 'created', generation: 0, restartCount: 0 },
  }
  return { record, volumes: named.volumes }
}

/** How the user called the image, if that is one of its names; else its first name or id. */
function nameOf(image: ImageRecord, asked: string | undefined): string {
  return image.names.find((name) => name === asked) ?? image.names[0] ?? image.id
}

/** What lies behind a path is somebody else's: it may lead anywhere. */
function resolverOf(network: NormalizedNetwork): Resolver {
  if (network === 'none') return 'none'
  return typeof network === 'object' && 'container' in network ? 'joined' : 'own'
}
