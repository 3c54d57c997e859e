import { isLibpodError, LibpodError } from '../../base/errors.ts'
import { checkNetworkCount } from '../../network/check-count.ts'
import { defaultNetwork } from '../../network/default-network.ts'
import { requireOrMake } from '../../network/store.ts'
import type { NetworkAttachment, NetworkMode, NormalizedNetwork } from '../../oci/spec/namespaces.ts'
import type { ContainersServices } from '../services.ts'

/**
 * The networks of a new container, by name and id. Who says nothing gets what containers.conf says, and that is the default network; on a
 * host where nothing can connect it, it has none.
 */
export async function resolveNetwork(services: ContainersServices, asked: NetworkMode | undefined): Promise<NormalizedNetwork> {
  const mode = asked ?? (await usualMode(services))
  if (mode === 'private') {
    await services.network.backend.info()
    const { id, name } = await defaultNetwork(services.network)
    return { networks: [{ name, id }] }
  }
  if (typeof mode !== 'object' || !('networks' in mode)) return mode
  checkNetworkCount(services.network.backend, mode.networks.length)
  const networks = await Promise.all(
    mode.networks.map(async (attachment, at) => {
      const { id, name } = await requireOrMake(services.network, attachment.name, defaultNetwork).catch((error: unknown) => {
        throw isLibpodError(error, 'not-found') ? noNetwork(error, `network.networks[${at}].name`) : error
      })
      return { ...attachment, name, id }
    }),
  )
  checkOnce(networks)
  return { networks }
}

async function usualMode(services: ContainersServices): Promise<NetworkMode> {
  const usual = services.config.containers.netns ?? 'private'
  if (usual !== 'private') return usual
  try {
    await services.network.backend.info()
    return 'private'
  } catch (error) {
    if (isLibpodError(error, 'unavailable')) return 'none'
    throw error
  }
}

function checkOnce(networks: readonly (NetworkAttachment & { readonly id: string })[]): void {
  for (const [at, { id, name, interfaceName }] of networks.entries()) {
    const before = networks.slice(0, at)
    if (before.some((other) => other.id === id)) throw twice(`network.networks[${at}].name`, `the network ${name}`)
    if (interfaceName !== undefined && before.some((other) => other.interfaceName === interfaceName))
      throw twice(`network.networks[${at}].interfaceName`, `the interface ${interfaceName}`)
  }
}

function twice(path: string, what: string): LibpodError {
  return new LibpodError('invalid-argument', `${path}: ${what} is named twice.`, { path }, { hint: 'Name each once.' })
}

function noNetwork(error: LibpodError<'not-found'>, path: string): LibpodError<'not-found'> {
  return new LibpodError('not-found', `${path}: there is no network ${JSON.stringify(error.details.ref)}.`, error.details, {
    cause: error,
    hint: 'networks.list() tells what there is; networks.create() makes one.',
  })
}
