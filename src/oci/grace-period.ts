import type { Helper } from '../linux/helper/helper.ts'

/**
 * Gives what one calls who will soon have a process put into a cgroup: the wait that comes with it begins now, in the helper process
 * (see {@link GracePeriod}). Nobody waits for it, and nobody minds if it fails. `useful` tells whether there is such a wait on this host.
 */
export function gracePeriods(helper: Helper, useful: () => Promise<boolean>): () => void {
  let underWay = false
  const begin = async (): Promise<void> => {
    if (await useful()) await helper.call<void>('oci.grace-period', undefined)
  }
  return () => {
    // A helper that is still to be started would be too late.
    if (underWay || helper.pid === 0) return
    underWay = true
    begin()
      .catch(() => {})
      .finally(() => {
        underWay = false
      })
  }
}
