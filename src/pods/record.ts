import type { NormalizedResources } from '../oci/spec/resources.ts'
import type { KindDefinition, RegistryDraft, RegistryObject } from '../state/registry-types.ts'
import type { Json } from '../state/state-store.ts'
import type { PodNamespace } from './share.ts'

/** What is stored of a pod: plain JSON. How it is, its containers tell. */
export interface PodRecord {
  readonly id: string
  readonly name: string
  readonly createdAt: string
  readonly labels: Readonly<Record<string, string>>
  /** The container that holds its namespaces. */
  readonly infra?: string
  readonly share: readonly PodNamespace[]
  /** Its own cgroup: a path (cgroupfs) or a slice (systemd). */
  readonly cgroup: string
  /** Those that were given. */
  readonly resources: NormalizedResources
}

/** How pods are kept in the registry. */
export const podKind: KindDefinition = { kind: 'pod', nameScope: 'container', format: 1 }

/** What lists read of a pod; its containers are read from their own summaries. */
export type StoredPodSummary = Pick<PodRecord, 'id' | 'name' | 'createdAt' | 'labels' | 'infra' | 'share' | 'cgroup'>

/** What the registry is given of a record. */
export function podDraft(record: PodRecord): RegistryDraft {
  const { id, name, createdAt, labels, infra, share, cgroup } = record
  const summary: StoredPodSummary = { id, name, createdAt, labels, share, cgroup, ...(infra === undefined ? {} : { infra }) }
  return { id, names: [name], links: [], body: record as unknown as Json, summary: summary as unknown as Json }
}

export function podOf(object: RegistryObject): PodRecord {
  return object.body as unknown as PodRecord
}
