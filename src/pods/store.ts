import { LibpodError } from '../base/errors.ts'
import { type ContainerRecord, containerKind } from '../containers/record.ts'
import { readRecord } from '../containers/store.ts'
import type { PodEvent } from '../events/event.ts'
import { type PodRecord, podKind, podOf } from './record.ts'
import type { PodsServices } from './services.ts'

/** The record of a pod by its id. Rejects with `not-found`. */
export async function requirePod({ containers: { registry } }: Pick<PodsServices, 'containers'>, id: string): Promise<PodRecord> {
  const object = await registry.get(podKind.kind, id)
  if (object) return podOf(object)
  throw new LibpodError('not-found', `There is no pod ${id.slice(0, 12)} (any more).`, { kind: 'pod', ref: id })
}

/** A pod with its containers at one moment. */
export interface PodWithMembers {
  readonly pod: PodRecord
  /** The infra container; absent if the pod has none, or its removal was cut off. */
  readonly infra?: ContainerRecord
  /** The others, in the order they were created. */
  readonly members: readonly ContainerRecord[]
}

/** Reads a pod and its containers. Rejects with `not-found`. */
export async function readPod(services: Pick<PodsServices, 'containers'>, id: string): Promise<PodWithMembers> {
  const pod = await requirePod(services, id)
  const prefix = `${containerKind.kind}/`
  const users = await services.containers.registry.users(podKind.kind, id)
  const ids = users.filter((user) => user.startsWith(prefix)).map((user) => user.slice(prefix.length))
  const records = (await Promise.all(ids.map((container) => readRecord(services.containers, container)))).flatMap((record) => record ?? [])
  const infra = records.find((record) => record.infra)
  const members = records.filter((record) => !record.infra).sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
  return { pod, ...(infra === undefined ? {} : { infra }), members }
}

/** All containers of a pod, infra first. */
export function everyone({ infra, members }: PodWithMembers): readonly ContainerRecord[] {
  return infra === undefined ? members : [infra, ...members]
}

/** The part of an event that says which pod it is about. */
export function podSubject({ id, name, labels }: PodRecord): Pick<PodEvent, 'type' | 'id' | 'name' | 'attributes'> {
  return { type: 'pod', id, name, attributes: labels }
}
