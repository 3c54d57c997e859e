import { LibpodError } from '../base/errors.ts'
import type { NetworkBackend } from './backend.ts'

/** Refuses more networks for one container than the backend can connect it to, before anything is changed. */
export function checkNetworkCount({ name, maxNetworks }: Pick<NetworkBackend, 'name' | 'maxNetworks'>, count: number): void {
  if (maxNetworks === undefined || count <= maxNetworks) return
  const most = maxNetworks === 1 ? 'one network' : `${maxNetworks} networks`
  throw new LibpodError(
    'unsupported',
    `With ${name} a container is in ${most} at the most.`,
    { what: 'networks' },
    { hint: 'Name one, or none for the default one; containers of one pod share theirs.' },
  )
}
