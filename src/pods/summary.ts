import type { ContainerSummary, PublishedPort } from '../containers/record.ts'
import type { ContainerStatus } from '../containers/status.ts'
import type { StoredPodSummary } from './record.ts'
import type { PodNamespace } from './share.ts'
import { type PodStatus, podStatus } from './status.ts'

/** The short form that lists show. @public */
export interface PodSummary {
  readonly id: string
  readonly name: string
  /** As its containers are. */
  readonly status: PodStatus
  readonly labels: Readonly<Record<string, string>>
  /** RFC 3339. */
  readonly createdAt: string
  /** The id of the container that holds its namespaces; absent for a pod without one. */
  readonly infraId?: string
  /** The namespaces that its containers share. */
  readonly share: readonly PodNamespace[]
  /** Its ports that are published now. */
  readonly ports: readonly PublishedPort[]
  /** The networks that its containers share, by name. */
  readonly networks: readonly string[]
  /** Its own cgroup: a path with cgroupfs, a slice with systemd. */
  readonly cgroup: string
  /** Its containers, the infra container among them. */
  readonly containers: readonly PodContainer[]
}

/** A container of a pod. @public */
export interface PodContainer {
  readonly id: string
  readonly name: string
  readonly status: ContainerStatus
  readonly infra: boolean
}

/** A pod with what is known of its containers. */
export function summarizePod(pod: StoredPodSummary, containers: readonly ContainerSummary[]): PodSummary {
  const { id, name, labels, createdAt, infra, share, cgroup } = pod
  const holder = containers.find((container) => container.infra)
  return {
    id,
    name,
    // The infra container goes last: without it, it is a pod that somebody began to remove.
    status: infra === undefined || holder !== undefined ? podStatus(containers.map(({ status }) => status)) : 'error',
    labels,
    createdAt,
    ...(infra === undefined ? {} : { infraId: infra }),
    share,
    ports: holder?.ports ?? [],
    networks: holder?.networks ?? [],
    cgroup,
    containers: containers.map((container) => ({
      id: container.id,
      name: container.name,
      status: container.status,
      infra: container.infra ?? false,
    })),
  }
}
