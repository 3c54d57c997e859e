import { LibpodError } from '../../base/errors.ts'
import { verbOptions } from '../../base/schema.ts'
import { step } from '../../base/steps.ts'
import { checkNetworkCount } from '../../network/check-count.ts'
import { connectNow } from '../../network/connect-now.ts'
import type { ConnectNetworkOptions } from '../../network/connect-options.ts'
import { defaultNetwork } from '../../network/default-network.ts'
import { interfaceTaken } from '../../network/leases.ts'
import { requireOrMake } from '../../network/store.ts'
import { attachmentShape } from '../../oci/spec/namespaces.ts'
import { withContainer } from '../lifecycle/with-container.ts'
import type { ContainersServices } from '../services.ts'
import { isActive } from '../status.ts'
import { changeNetworks, networksOf } from './change-networks.ts'
import { holdNetwork } from './hold.ts'
import { rewriteEtcFiles } from './rewrite-etc-files.ts'
import { markConnecting } from './settle-networks.ts'

const checkOptions = verbOptions<ConnectNetworkOptions>(attachmentShape)

/** Connects a container to one more network: at once if it runs, and at each of its starts from now on. */
export async function connectContainer(
  services: ContainersServices,
  network: string,
  container: string,
  options: ConnectNetworkOptions = {},
): Promise<void> {
  await checkOptions(options)
  const { signal, ...place } = options
  const target = await requireOrMake(services.network, network, defaultNetwork)
  const id = await services.registry.resolve('container', container)
  await withContainer(services, id, { signal }, async (held) => {
    const { record, live } = held
    const networks = networksOf(record, 'connect')
    if (networks.some((attachment) => attachment.id === target.id)) throw connectedAlready(record.name, target.name)
    const namesake = networks.find(({ interfaceName }) => interfaceName !== undefined && interfaceName === place.interfaceName)
    // Every start would fail.
    if (namesake?.interfaceName !== undefined) throw interfaceTaken(record.name, namesake.interfaceName, namesake.name)
    checkNetworkCount(services.network.backend, networks.length + 1)
    const attachment = { ...place, name: target.name, id: target.id }
    await markConnecting(services, held, 'connect', async () => {
      const changed = await step(services.probe, 'connect.commit', () => changeNetworks(services, record, [...networks, attachment]))
      if (!isActive(record.state.status)) return
      const namespace = holdNetwork(services.places, id, live ?? {})
      try {
        await connectNow(services.network, id, { ...place, record: target }, namespace)
        await rewriteEtcFiles(services, changed)
      } catch (error) {
        await changeNetworks(services, changed, networks)
        throw error
      } finally {
        namespace?.close()
      }
    })
    const attributes = { container: id }
    await services.emit({ type: 'network', action: 'connect', id: target.id, name: target.name, attributes })
    return { result: undefined }
  })
}

function connectedAlready(container: string, network: string): LibpodError {
  return new LibpodError(
    'conflict',
    `Container ${container} is in network ${network} already.`,
    { what: `network ${network}` },
    { hint: 'Disconnect it first to connect it in another way.' },
  )
}
