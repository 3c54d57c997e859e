import { join } from 'node:path'
import type { HeldNamespace } from '../../linux/network/namespace.ts'
import { readAttachment } from '../../network/attachment.ts'
import { releaseNetwork } from '../../network/set-up.ts'
import { joinedContainer } from '../../oci/spec/namespaces.ts'
import { releaseVolumes } from '../mounts/release-volumes.ts'
import { holdNetwork } from '../networking/hold.ts'
import { forgetForJoiners } from '../networking/joiner-name.ts'
import { networkOwner } from '../networking/network-owner.ts'
import { bundleOf } from '../places.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { readLive } from '../store.ts'

/**
 * Gives back what a container has only while it has processes: its volumes, its networks, and its name in those of others. The caller holds the container's
 * lock. Idempotent: after a run, after a start that failed, and for the recovery of either. Its network is taken down while nobody waits.
 */
export async function releaseParts(
  services: ContainersServices,
  record: ContainerRecord,
  namespace?: HeldNamespace | undefined,
): Promise<void> {
  await Promise.all([releaseVolumes(services, record), releaseNetworks(services, record, namespace), releaseName(services, record)])
}

/** Those whose network it shared know it by name. Their file is in their hands: what they did to it keeps no container from ending. */
async function releaseName(services: ContainersServices, record: ContainerRecord): Promise<void> {
  if (joinedContainer(record.options.network) === undefined) return
  try {
    const owner = await networkOwner(services, record)
    await forgetForJoiners(join(bundleOf(services.places, owner.id), 'hosts'), record)
  } catch (error) {
    services.logger.debug(
      `Taking container ${record.name} out of the hosts file: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

async function releaseNetworks(services: ContainersServices, { id }: ContainerRecord, namespace: HeldNamespace | undefined): Promise<void> {
  if ((await readAttachment(services.network.store, id)) === undefined) {
    namespace?.close()
    return
  }
  const held = namespace ?? holdNetwork(services.places, id, (await readLive(services, id)) ?? {})
  await releaseNetwork(services.network, id, held)
}
