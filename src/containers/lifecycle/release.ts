import type { HeldNamespace } from '../../linux/network/namespace.ts'
import { readAttachment } from '../../network/attachment.ts'
import { releaseNetwork } from '../../network/set-up.ts'
import { holdNetwork } from '../networking/hold.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { readLive } from '../store.ts'

/**
 * Gives back what a container has only while it has processes: its networks, its volumes. The caller holds the container's
 * lock. Idempotent: after a run, after a start that failed, and for the recovery of either. Its network is taken down while nobody waits.
 */
export async function releaseParts(
  services: ContainersServices,
  { id }: ContainerRecord,
  namespace?: HeldNamespace | undefined,
): Promise<void> {
  if ((await readAttachment(services.network.store, id)) === undefined) {
    namespace?.close()
    return
  }
  const held = namespace ?? holdNetwork(services.places, id, (await readLive(services, id)) ?? {})
  await releaseNetwork(services.network, id, held)
}
