import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Accounts } from '../../oci/spec/user.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'

const longestFileBytes = 1024 * 1024

/**
 * `/etc/passwd` and `/etc/group` as the container sees them, read from its layers without a mount. For a container
 * that never changed them they are those of its image, which never change: these are remembered.
 */
export async function accountsOf(services: ContainersServices, record: ContainerRecord): Promise<Accounts> {
  const { rootfs } = record.options
  if (rootfs !== undefined) return readAccounts(services, [rootfs])
  const layers = await services.snapshots.layers(record.id)
  const chainId = record.image?.chainId
  if (chainId === undefined || services.snapshots.driver !== 'overlay' || touchesEtc(layers[0])) return readAccounts(services, layers)
  const known = services.accounts.get(chainId)
  if (known) return known
  const read = readAccounts(services, layers)
  services.accounts.set(chainId, read)
  read.catch(() => services.accounts.delete(chainId))
  return read
}

async function readAccounts(services: ContainersServices, layers: readonly string[]): Promise<Accounts> {
  const [passwd, group] = await Promise.all(
    ['/etc/passwd', '/etc/group'].map((path) => services.readLayers(layers, path, { maxBytes: longestFileBytes })),
  )
  return { passwd: passwd?.toString('utf8') ?? '', group: group?.toString('utf8') ?? '' }
}

/** Whether the container's own layer holds anything of /etc: one look, because most do not. */
function touchesEtc(upper: string | undefined): boolean {
  if (upper === undefined) return true
  try {
    return statSync(join(upper, 'etc'), { throwIfNoEntry: false }) !== undefined
  } catch {
    // Where it cannot be looked at, it may be there.
    return true
  }
}
