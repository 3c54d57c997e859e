import { join } from 'node:path'
import { type ContainerMountInfo, describeMounts } from './mounts/describe-mounts.ts'
import { type ContainerNetworkInfo, networkInfo } from './networking/network-info.ts'
import type { StoredOptions } from './options.ts'
import { bundleOf, rootfsOf } from './places.ts'
import type { ContainerSummary, ExitReason } from './record.ts'
import { summarize } from './record.ts'
import type { ContainersServices } from './services.ts'
import { type ContainerStatus, isActive } from './status.ts'
import { readLive, requireRecord } from './store.ts'

/** All that is known of a container. @public */
export interface ContainerInspect extends Omit<ContainerSummary, 'mounts'> {
  readonly state: {
    readonly status: ContainerStatus
    /** The container's first process as the host sees it; absent when it has none. */
    readonly pid?: number
    /** The monitor's process. */
    readonly monitorPid?: number
    readonly exitCode?: number | null
    readonly reason?: ExitReason
    readonly oomKilled: boolean
    readonly restartCount: number
    readonly stoppedByUser: boolean
    /** When the restart policy starts it again. */
    readonly restartDueAt?: string
  }
  /** What is mounted in it by its options, or because its image declares volumes. */
  readonly mounts: readonly ContainerMountInfo[]
  /** Where it is connected now. */
  readonly connected: readonly ContainerNetworkInfo[]
  /** The options it was created with, completed with every default. */
  readonly options: ContainerInspectOptions
  /** The plug-ins it was made with. */
  readonly runtime: { readonly name: string; readonly path: string }
  readonly monitor: string
  readonly logDriver: string
  readonly logPath: string
  /** The OCI `cgroupsPath`; empty for a container without cgroups of its own, as an ordinary user's are without systemd. */
  readonly cgroupsPath: string
  /** The bundle's `config.json`, written at each start. */
  readonly ociConfigPath: string
  /** Where the root file system is mounted, in the container's own mount namespace; reach it through `/proc/<pid>/root`. */
  readonly rootfsPath: string
}

/** The create options as they are stored. @public */
export type ContainerInspectOptions = Readonly<Record<string, unknown>>

/** Reads all that is known of a container. */
export async function inspectContainer(services: ContainersServices, id: string): Promise<ContainerInspect> {
  const [record, live, connected] = await Promise.all([requireRecord(services, id), readLive(services, id), networkInfo(services, id)])
  const { state, pins } = record
  const processes = isActive(state.status) ? live : undefined
  return {
    ...summarize(record),
    state: {
      status: state.status,
      ...(processes?.pid === undefined ? {} : { pid: processes.pid }),
      ...(processes?.monitorPid === undefined ? {} : { monitorPid: processes.monitorPid }),
      ...(state.exitCode === undefined ? {} : { exitCode: state.exitCode }),
      ...(state.reason === undefined ? {} : { reason: state.reason }),
      oomKilled: state.oomKilled ?? false,
      restartCount: state.restartCount,
      stoppedByUser: state.stoppedByUser ?? false,
      ...(state.restartDueAt === undefined ? {} : { restartDueAt: state.restartDueAt }),
    },
    mounts: await describeMounts(services, record),
    connected: isActive(state.status) ? connected : [],
    options: record.options satisfies StoredOptions as unknown as ContainerInspectOptions,
    runtime: { name: pins.runtime, path: pins.runtimePath },
    monitor: pins.monitor,
    logDriver: pins.logDriver,
    logPath: record.logPath,
    cgroupsPath: record.cgroupsPath,
    ociConfigPath: join(bundleOf(services.places, id), 'config.json'),
    rootfsPath: record.options.rootfs ?? rootfsOf(services.places, id),
  }
}
