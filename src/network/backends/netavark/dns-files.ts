import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { linkNames } from '../../../linux/network/host-network.ts'
import type { NetworkTeardown } from '../../backend.ts'
import type { NetavarkPlace } from './run.ts'

/**
 * Removes what aardvark-dns was told of networks that are down. netavark removes a file when its last line goes; one that it cannot read
 * would stay, and as aardvark-dns reads all files at once, no network would have DNS any more.
 */
export async function dropDnsFiles(
  { config }: Pick<NetavarkPlace, 'config'>,
  { networks }: Pick<NetworkTeardown, 'networks'>,
): Promise<void> {
  const links = await linkNames()
  for (const { network } of networks) {
    if (!network.dns || links.has(network.interfaceName)) continue
    // The mark of internal networks is part of the name.
    for (const name of [network.id, `${network.id}%int`]) await rm(join(config, 'aardvark-dns', name), { force: true })
  }
}
