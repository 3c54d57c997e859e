import type { PlannedMount } from '../../oci/monitor.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'

const ownProc: PlannedMount = { type: 'proc', source: 'proc', target: '/proc', options: ['nosuid', 'nodev', 'noexec'] }

/**
 * A procfs for one container's monitor and runtime. What all use has in `/proc/sys/net` an entry of one name for each network namespace
 * that has set it, and the kernel goes through all of those at each look: with a thousand containers that was 1.4 ms of a start by crun.
 *
 * None for a container that is to see the host's own, with what is mounted in it; and without root it may not be mounted.
 */
export function procMounts(
  { config }: ContainersServices,
  { options }: ContainerRecord,
  { sharesPids }: { readonly sharesPids: boolean },
): PlannedMount[] {
  const seesHosts = sharesPids || options.mounts.some(({ type, source }) => type === 'bind' && holdsProc(source))
  return config.rootless || seesHosts ? [] : [ownProc]
}

function holdsProc(source: string): boolean {
  return source === '/' || source === '/proc' || source.startsWith('/proc/')
}
