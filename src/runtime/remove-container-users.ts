import type { AbortOptions } from '../base/abort.ts'
import { eachLimited } from '../base/each-limited.ts'
import { removeContainer } from '../containers/lifecycle/remove.ts'
import type { ContainersServices } from '../containers/services.ts'

/** How many containers are removed together. */
const width = 8
const prefix = 'container/'

/** Removes the containers among the users of an image or a network. Others stay, and what they use with them. */
export async function removeContainerUsers(
  services: ContainersServices,
  users: readonly string[],
  { signal }: AbortOptions,
): Promise<void> {
  const containers = users.filter((user) => user.startsWith(prefix)).map((user) => user.slice(prefix.length))
  await eachLimited(containers, width, async (id) => {
    signal?.throwIfAborted()
    await removeContainer(services, id, { force: true, ifExists: true, signal })
  })
}
