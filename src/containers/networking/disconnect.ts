import type { AbortOptions } from '../../base/abort.ts'
import { LibpodError } from '../../base/errors.ts'
import { verbOptions } from '../../base/schema.ts'
import { step } from '../../base/steps.ts'
import { disconnectNow } from '../../network/connect-now.ts'
import { requireNetwork } from '../../network/store.ts'
import { withContainer } from '../lifecycle/with-container.ts'
import type { ContainersServices } from '../services.ts'
import { isActive } from '../status.ts'
import { changeNetworks, networksOf } from './change-networks.ts'
import { holdNetwork } from './hold.ts'
import { rewriteEtcFiles } from './rewrite-etc-files.ts'
import { markConnecting } from './settle-networks.ts'

const checkOptions = verbOptions<AbortOptions>()

/** Disconnects a container from a network, also while it runs. */
export async function disconnectContainer(
  services: ContainersServices,
  network: string,
  container: string,
  options: AbortOptions = {},
): Promise<void> {
  await checkOptions(options)
  const { signal } = options
  const target = await requireNetwork(services.network, network)
  const id = await services.registry.resolve('container', container)
  await withContainer(services, id, { signal }, async (held) => {
    const { record, live } = held
    const networks = networksOf(record, 'disconnect')
    const rest = networks.filter((attachment) => attachment.id !== target.id)
    if (rest.length === networks.length) throw notConnected(record.name, target.name)
    await markConnecting(services, held, 'disconnect', async () => {
      if (isActive(record.state.status)) {
        const namespace = holdNetwork(services.places, id, live ?? {})
        try {
          await disconnectNow(services.network, id, target.id, namespace)
        } finally {
          namespace?.close()
        }
      }
      // Until then the network cannot be removed.
      const changed = await step(services.probe, 'disconnect.commit', () => changeNetworks(services, record, rest))
      if (isActive(record.state.status)) await rewriteEtcFiles(services, changed)
    })
    const attributes = { container: id }
    await services.emit({ type: 'network', action: 'disconnect', id: target.id, name: target.name, attributes })
    return { result: undefined }
  })
}

function notConnected(container: string, network: string): LibpodError {
  return new LibpodError(
    'not-found',
    `Container ${container} is not in network ${network}.`,
    { kind: 'network', ref: network },
    { hint: 'Its inspect() tells which networks it is in.' },
  )
}
