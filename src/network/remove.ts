import type { AbortOptions } from '../base/abort.ts'
import { isLibpodError, LibpodError } from '../base/errors.ts'
import { verbOptions } from '../base/schema.ts'
import { step } from '../base/steps.ts'
import { allAttachments, allBelow, pointerPrefix } from './attachment.ts'
import { type NetworkRecord, networkKind } from './record.ts'
import type { NetworkServices } from './services.ts'
import { messageOf, takeDownNow } from './set-up.ts'
import { requireNetwork } from './store.ts'

/** Options of {@link Network.remove}. @public */
export interface RemoveNetworkOptions extends AbortOptions {
  /** Remove the containers and pods that use it first, running or not. */
  readonly force?: boolean | undefined
  /** Resolve with `{ changed: false }` when it is gone already, instead of `not-found`. */
  readonly ifExists?: boolean | undefined
}

const checkOptions = verbOptions<RemoveNetworkOptions>((z) => ({ force: z.boolean().optional(), ifExists: z.boolean().optional() }))

/** How often the users of a network are removed before somebody who keeps making new ones has won. */
const rounds = 10

/** Removes a network. In use or not is decided by the store, in the same instant in which it goes. */
export async function removeNetwork(
  services: NetworkServices,
  nameOrId: string,
  options: RemoveNetworkOptions = {},
): Promise<{ changed: boolean }> {
  await checkOptions(options)
  services.closer.check()
  try {
    const record = await requireNetwork(services, nameOrId)
    await removeRecord(services, record, options)
    return { changed: true }
  } catch (error) {
    if (options.ifExists && isLibpodError(error, 'not-found') && error.details.kind === 'network') return { changed: false }
    throw error
  }
}

async function removeRecord(
  services: NetworkServices,
  record: NetworkRecord,
  { force = false, signal }: RemoveNetworkOptions,
): Promise<void> {
  for (let round = 1; ; round++) {
    signal?.throwIfAborted()
    try {
      return await removeUnused(services, record)
    } catch (error) {
      if (!isLibpodError(error, 'in-use')) throw error
      if (!force || round === rounds) throw refuseUsed(error, record)
      await services.containers.remove(error.details.users, { signal })
    }
  }
}

/** Removes a network that nobody uses; rejects with `in-use`. */
export async function removeUnused(services: NetworkServices, { id, name, labels }: NetworkRecord): Promise<void> {
  const { registry, store, probe } = services
  const removed = await step(probe, 'network.remove', () => registry.remove(networkKind.kind, id))
  // Containers that are gone may be leaving it still: its bridge goes with the last of them.
  for (const { container, networks, phase } of await allAttachments(store))
    if (phase === 'leaving' && networks.some(({ network }) => network.id === id)) await takeDownLeaving(services, container)
  const pointers = await allBelow(store, `${pointerPrefix}${id}/`)
  if (pointers.length > 0) await store.commit({ deletes: pointers.map(({ key }) => key) })
  if (removed) await services.emit({ type: 'network', action: 'remove', id, name, attributes: labels })
}

/** The network is gone, and is not there again because this fails: the next engine that opens the root tries again. */
async function takeDownLeaving(services: NetworkServices, container: string): Promise<void> {
  try {
    await takeDownNow(services, container)
  } catch (error) {
    services.logger.warn(`Taking down the network of container ${container.slice(0, 12)} failed: ${messageOf(error)}`)
  }
}

function refuseUsed(error: LibpodError<'in-use'>, { name }: NetworkRecord): LibpodError {
  const users = error.details.users.map((user) => user.replace(/[0-9a-f]{64}$/, (id) => id.slice(0, 12)))
  return new LibpodError('in-use', `The network ${name} is used by ${users.join(', ')}.`, error.details, {
    cause: error,
    hint: 'Remove or disconnect those first, or use { force: true }, which removes them too.',
  })
}
