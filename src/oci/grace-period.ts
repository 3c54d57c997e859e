import type { Helper } from '../linux/helper/helper.ts'

/**
 * Who asks after somebody who asked so shortly before, in milliseconds, finds that one's move just done: for half a grace period or more
 * the kernel then makes nobody wait, and asking would only keep two processes busy. So it is in a row of short execs.
 */
const stillOverMs = 8

/**
 * Gives what one calls who will soon have a process put into a cgroup: the wait that comes with it begins now, in the helper process
 * (see {@link GracePeriod}). Nobody waits for it, and nobody minds if it fails. `useful` tells whether there is such a wait on this host.
 */
export function gracePeriods(helper: Helper, useful: () => Promise<boolean>): () => void {
  let underWay = false
  let lastAsked = Number.NEGATIVE_INFINITY
  const begin = async (): Promise<void> => {
    if (await useful()) await helper.call<void>('oci.grace-period', undefined)
  }
  return () => {
    // A helper that is still to be started would be too late.
    if (helper.pid === 0) return
    const now = performance.now()
    const isOver = now - lastAsked < stillOverMs
    lastAsked = now
    if (underWay || isOver) return
    underWay = true
    begin()
      .catch(() => {})
      .finally(() => {
        underWay = false
      })
  }
}
