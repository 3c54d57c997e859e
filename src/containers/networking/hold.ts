import { join } from 'node:path'
import { type HeldNamespace, holdNamespace, holdNamespaceOf } from '../../linux/network/namespace.ts'
import { isSameProcessSync } from '../../linux/proc.ts'
import { bundleOf, type ContainerPlaces } from '../places.ts'
import type { LiveContainer } from '../record.ts'

/** In the bundle: where the container's network namespace is mounted, in its monitor's mount namespace. */
export const namespaceFile = 'netns'

/**
 * Keeps the network namespace of a container that has ended or is ending: the one that its monitor has mounted or, where that was
 * killed, the one its program is still in. `undefined` when both are gone, and the namespace with them.
 */
export function holdNetwork(
  places: ContainerPlaces,
  id: string,
  { monitorPid, monitorStartTime, pid, pidStartTime }: Pick<LiveContainer, 'monitorPid' | 'monitorStartTime' | 'pid' | 'pidStartTime'>,
): HeldNamespace | undefined {
  if (monitorPid !== undefined && monitorStartTime !== undefined) {
    const held = holdNamespace(join(`/proc/${monitorPid}/root`, bundleOf(places, id), namespaceFile))
    if (held !== undefined && isSameProcessSync({ pid: monitorPid, startTime: monitorStartTime })) return held
    held?.close()
  }
  return pid !== undefined && pidStartTime !== undefined ? holdNamespaceOf({ pid, startTime: pidStartTime }) : undefined
}
