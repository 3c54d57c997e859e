import { eachLimited } from '../base/each-limited.ts'
import { allAttachments, allBelow, lastKey, pointerPrefix } from './attachment.ts'
import { networkKind } from './record.ts'
import type { NetworkServices } from './services.ts'
import { takeDownNow } from './set-up.ts'

/** How many are taken down together: it is one at a time anyway. */
const width = 2

/**
 * Takes down what engines that died have left: of containers that are gone or have ended, and where taking down was cut off. Whose
 * container has processes, or is being started or stopped, is `inUse`: that is settled with the container.
 */
export async function recoverNetworks(services: NetworkServices, inUse: (container: string) => Promise<boolean>): Promise<void> {
  const { registry, store, logger, containers, isOwnerAlive } = services
  const left = await allAttachments(store)
  await eachLimited(left, width, async ({ container, owner, phase }) => {
    if ((phase === 'leaving' && isOwnerAlive(owner)) || (phase !== 'leaving' && (await inUse(container)))) return
    try {
      await takeDownNow(services, container)
    } catch (error) {
      logger.warn(
        `Taking down the network of container ${container.slice(0, 12)} failed: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  })
  const prefix = lastKey('')
  for (const { key } of await allBelow(store, prefix))
    if (!(await containers.exists(key.slice(prefix.length)))) await store.commit({ deletes: [key] })
  // Whoever removed a network may not have come to what was noted of its addresses.
  for (const { key } of await allBelow(store, pointerPrefix))
    if ((await registry.get(networkKind.kind, key.slice(pointerPrefix.length).split('/')[0] ?? '')) === undefined)
      await store.commit({ deletes: [key] })
}
