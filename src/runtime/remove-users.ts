import type { AbortOptions } from '../base/abort.ts'
import { eachLimited } from '../base/each-limited.ts'
import { removeContainer } from '../containers/lifecycle/remove.ts'
import type { ContainersServices } from '../containers/services.ts'
import { readRecord } from '../containers/store.ts'
import { removePod } from '../pods/lifecycle/remove.ts'

/** How many containers are removed together. */
const width = 8
const prefix = 'container/'

/**
 * Removes the containers among the users of an image, a volume or a network; a pod whose infra container is one of them, as a whole.
 * Others stay, and what they use with them.
 */
export async function removeUsers(services: ContainersServices, users: readonly string[], { signal }: AbortOptions): Promise<void> {
  const containers = users.filter((user) => user.startsWith(prefix)).map((user) => user.slice(prefix.length))
  await eachLimited(containers, width, async (id) => {
    signal?.throwIfAborted()
    const options = { force: true, ifExists: true, signal }
    const { infra, pod } = (await readRecord(services, id)) ?? {}
    if (infra && pod !== undefined) await removePod({ containers: services }, pod, options)
    else await removeContainer(services, id, options)
  })
}
