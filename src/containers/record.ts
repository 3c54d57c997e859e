import type { KindDefinition } from '../state/registry-types.ts'
import type { Json } from '../state/state-store.ts'
import type { StoredOptions } from './options.ts'
import type { ContainerStatus } from './status.ts'

/** What is stored of a container: plain JSON. The options are the normalised ones of `create`. */
export interface ContainerRecord {
  readonly id: string
  readonly name: string
  readonly createdAt: string
  /** The image it was made from; absent with `rootfs`. */
  readonly image?: { readonly id: string; readonly name: string; readonly chainId?: string }
  readonly options: StoredOptions
  /** The images among its mounts, in their order. */
  readonly mountedImages?: readonly MountedImage[]
  /** The plug-ins it was made with; an engine without one of them leaves it alone. */
  readonly pins: {
    readonly runtime: string
    readonly runtimePath: string
    readonly monitor: string
    readonly logDriver: string
    readonly snapshotter?: string
  }
  readonly logPath: string
  /** The OCI `cgroupsPath`; empty for one without cgroups of its own. */
  readonly cgroupsPath: string
  /** The engine it goes with, if it is ephemeral. */
  readonly owner?: string
  /** The id of the pod it belongs to. */
  readonly pod?: string
  /** It is the infra container of its pod: it holds the pod's namespaces. */
  readonly infra?: boolean
  readonly state: ContainerState
}

/** Whether it is removed when it has ended. */
export function goesAtItsEnd({ options, owner }: Pick<ContainerRecord, 'options' | 'owner'>): boolean {
  return options.autoRemove || owner !== undefined
}

/** Whether somebody writes a log of it: `run()` hands its caller what the program says. */
export function hasLog({ pins }: Pick<ContainerRecord, 'pins'>): boolean {
  return pins.monitor !== 'direct'
}

/** An image that a container has mounted. */
export interface MountedImage {
  readonly target: string
  readonly id: string
  /** The topmost layer; absent in an image without layers. */
  readonly chainId?: string
  /** The container's own snapshot on top of it, if it may write there. */
  readonly snapshot?: string
}

/** The part of the record that changes. */
export interface ContainerState {
  readonly status: ContainerStatus
  /** How often it was started: tells this run's exit from the last one's. */
  readonly generation: number
  readonly startedAt?: string
  readonly finishedAt?: string
  /** `null`: it ended, but how is unknown. */
  readonly exitCode?: number | null
  readonly oomKilled?: boolean
  /** Why the exit code is unknown. */
  readonly reason?: ExitReason
  readonly restartCount: number
  /** The file of its log, in a place of the caller's, was not there before: it goes with the container. */
  readonly ownsLog?: boolean
  readonly stoppedByUser?: boolean
  /** When the restart policy starts it again. */
  readonly restartDueAt?: string
  /** The ports that are published while it runs. */
  readonly ports?: readonly PublishedPort[]
}

/** Why a container's exit code is unknown: `lost` with the machine's reboot, or the monitor was killed. @public */
export type ExitReason = 'lost' | 'monitor-killed'

/** How a container ended, as its monitor or the look of things tells. */
export interface ContainerExit {
  readonly exitCode: number | null
  readonly finishedAt: Date
  readonly oomKilled: boolean
  readonly reason?: ExitReason
}

/** What is known of a container that has processes: kept on tmpfs, gone after a reboot. */
export interface LiveContainer {
  /** `starting`: a start is under way or was cut off; the pids may not be known yet. */
  readonly phase: 'starting' | 'started'
  readonly generation: number
  /** This start made the file of its log. */
  readonly ownsLog?: boolean
  readonly pid?: number
  readonly pidStartTime?: string
  readonly monitorPid?: number
  readonly monitorStartTime?: string
  /** While it is started: how its record was before that, should the start be taken back. */
  readonly before?: ContainerState
  /** The restart policy starts it. */
  readonly restarted?: boolean
  /** It is being paused or unpaused, or that was cut off. */
  readonly freezing?: boolean
  /** It is being connected to a network or disconnected, or that was cut off. */
  readonly connecting?: boolean
  /** It is being stopped: by which engine, and when that loses patience. */
  readonly stopping?: {
    readonly owner: string
    readonly dueAt: string
    /** It is started again, and therefore not removed at its end. */
    readonly restarts?: boolean
  }
  /** Where the container's cgroups are: read once, for stats and top. */
  readonly cgroup?: string
}

/** A container whose lock is held, as it really is. */
export interface HeldContainer {
  readonly record: ContainerRecord
  readonly live: LiveContainer | undefined
}

/** How containers are kept in the registry. */
export const containerKind: KindDefinition = { kind: 'container', nameScope: 'container', format: 1 }

/** The short form that lists show. @public */
export interface ContainerSummary {
  readonly id: string
  readonly name: string
  readonly status: ContainerStatus
  /** The image's name, or its id where it has none; empty for a root file system. */
  readonly image: string
  /** The image's id; empty for a root file system. */
  readonly imageId: string
  /** The program and its arguments. */
  readonly command: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  /** The names of the networks it is in. */
  readonly networks: readonly string[]
  /** The ports of it that are published now. */
  readonly ports: readonly PublishedPort[]
  /** Where in the container the mounts of its options are. */
  readonly mounts: readonly string[]
  /** RFC 3339. */
  readonly createdAt: string
  readonly startedAt?: string
  readonly finishedAt?: string
  readonly exitCode?: number | null
  /** It goes with the engine that made it. */
  readonly ephemeral: boolean
  /** The id of the pod it is in. */
  readonly pod?: string
  /** It holds the namespaces of its pod, and goes only with it. */
  readonly infra?: boolean
}

/** A port that is published on the host. @public */
export interface PublishedPort {
  readonly container: number
  readonly host: number
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  readonly hostIp?: string
}

/** The summary of a record. */
export function summarize(record: ContainerRecord): ContainerSummary {
  const { state, options } = record
  return {
    id: record.id,
    name: record.name,
    status: state.status,
    image: record.image?.name ?? '',
    imageId: record.image?.id ?? '',
    command: options.args,
    labels: options.labels,
    networks: networkNames(options),
    ports: state.ports ?? [],
    mounts: options.mounts.map(({ target }) => target),
    createdAt: record.createdAt,
    ...(state.startedAt === undefined ? {} : { startedAt: state.startedAt }),
    ...(state.finishedAt === undefined ? {} : { finishedAt: state.finishedAt }),
    ...(state.exitCode === undefined ? {} : { exitCode: state.exitCode }),
    ephemeral: record.owner !== undefined,
    ...(record.pod === undefined ? {} : { pod: record.pod }),
    ...(record.infra ? { infra: true } : {}),
  }
}

/** The networks a container is in. */
function networkNames({ network }: StoredOptions): string[] {
  return typeof network === 'object' && 'networks' in network ? network.networks.map(({ name }) => name) : []
}

/** What the registry is given of a record. */
export function draftOf(record: ContainerRecord): { id: string; names: string[]; links: string[]; body: Json; summary: Json } {
  return {
    id: record.id,
    names: [record.name],
    links: [...linksOf(record)],
    body: record as unknown as Json,
    summary: summarize(record) as unknown as Json,
  }
}

/** What a container uses, and what therefore cannot be removed before it. */
function linksOf({ image, mountedImages = [], pod, options }: ContainerRecord): Set<string> {
  const { network, pid, ipc, uts, cgroupns } = options
  const joined = [network, pid, ipc, uts, cgroupns].flatMap((mode) =>
    typeof mode === 'object' && 'container' in mode ? [`container/${mode.container}`] : [],
  )
  const networks = typeof network === 'object' && 'networks' in network ? network.networks.map(({ id }) => `network/${id}`) : []
  const images = [...(image === undefined ? [] : [image]), ...mountedImages].map(({ id }) => `image/${id}`)
  const volumes = volumesOf({ options }).map((name) => `volume/${name}`)
  return new Set([...networks, ...images, ...(pod === undefined ? [] : [`pod/${pod}`]), ...joined, ...volumes])
}

/** The names of the volumes that a container has mounted, each once. */
export function volumesOf({ options }: Pick<ContainerRecord, 'options'>): string[] {
  return [...new Set(options.mounts.flatMap(({ type, source }) => (type === 'volume' ? [source] : [])))].sort()
}

/** The snapshots that belong to a container alone, with what each stands on. */
export function snapshotsOf({
  id,
  image,
  mountedImages = [],
  pins,
}: ContainerRecord): { readonly name: string; readonly parent?: string }[] {
  const own = pins.snapshotter === undefined ? [] : [{ name: id, parent: image?.chainId }]
  const mounted = mountedImages.flatMap(({ snapshot, chainId }) => (snapshot === undefined ? [] : [{ name: snapshot, parent: chainId }]))
  return [...own, ...mounted].map(({ name, parent }) => ({ name, ...(parent === undefined ? {} : { parent }) }))
}
