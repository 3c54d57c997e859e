import { LibpodError } from '../../base/errors.ts'
import type { NormalizedAttachment } from '../../oci/spec/namespaces.ts'
import { type ContainerRecord, draftOf } from '../record.ts'
import type { ContainersServices } from '../services.ts'

/** The networks of a container that has its own namespace for them; others cannot be connected. */
export function networksOf({ name, options: { network }, state }: ContainerRecord, verb: string): readonly NormalizedAttachment[] {
  if (typeof network === 'object' && 'networks' in network) return network.networks
  throw new LibpodError(
    'invalid-state',
    `Cannot ${verb} container ${name}: it has no network of its own.`,
    { kind: 'container', ref: name, state: state.status, allowed: [], verb },
    { hint: "Only containers that were created with networks can be connected to others, not those with network: 'none' or 'host'." },
  )
}

/** Writes other networks into a container's record: links and lists follow. */
export async function changeNetworks(
  services: ContainersServices,
  { id }: ContainerRecord,
  networks: readonly NormalizedAttachment[],
): Promise<ContainerRecord> {
  const object = await services.registry.update('container', id, (current) => {
    const record = current.body as unknown as ContainerRecord
    return draftOf({ ...record, options: { ...record.options, network: { networks } } })
  })
  services.changes.notify(id)
  return object.body as unknown as ContainerRecord
}
