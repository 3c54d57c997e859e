import { LibpodError } from '../base/errors.ts'
import type { RegistryObject } from '../state/registry-types.ts'
import { type ContainerRecord, type ContainerState, draftOf, type LiveContainer } from './record.ts'
import type { ContainersServices } from './services.ts'

/** A record is JSON by construction; the registry knows it only as that. */
function recordOf(object: RegistryObject): ContainerRecord {
  return object.body as unknown as ContainerRecord
}

/** The record of a container by its id, or `undefined`. */
export async function readRecord({ registry }: ContainersServices, id: string): Promise<ContainerRecord | undefined> {
  const object = await registry.get('container', id)
  return object && recordOf(object)
}

/** The record of a container by its id. Rejects with `not-found`. */
export async function requireRecord(services: ContainersServices, id: string): Promise<ContainerRecord> {
  const record = await readRecord(services, id)
  if (record) return record
  throw notThere(id)
}

export function notThere(id: string): LibpodError<'not-found'> {
  return new LibpodError('not-found', `There is no container ${id.slice(0, 12)} (any more).`, { kind: 'container', ref: id })
}

/** Commits a change of the container's state and wakes those who wait for it. */
export async function updateState(
  services: ContainersServices,
  id: string,
  change: (state: ContainerState, record: ContainerRecord) => ContainerState | undefined,
): Promise<ContainerRecord> {
  const object = await services.registry.update('container', id, (current) => {
    const record = recordOf(current)
    const state = change(record.state, record)
    return state && draftOf({ ...record, state })
  })
  services.changes.notify(id)
  return recordOf(object)
}

export function readLive({ live }: ContainersServices, id: string): Promise<LiveContainer | undefined> {
  return live.get<LiveContainer>('container', id)
}
