import { isLibpodError } from '../../base/errors.ts'
import { checkWaitOptions, type WaitContainerOptions, type WaitResult, waitContainer } from '../../containers/lifecycle/wait.ts'
import type { PodsServices } from '../services.ts'
import { readPod } from '../store.ts'

/** Options of {@link Pod.wait}. @public */
export interface WaitPodOptions extends WaitContainerOptions {}

/** How the containers of a pod ended, other than its infra container. @public */
export interface WaitPodResult {
  readonly containers: readonly PodContainerResult[]
}

/** How one container of a pod ended. @public */
export interface PodContainerResult extends WaitResult {
  readonly id: string
  readonly name: string
}

/** Waits for every container of a pod but the infra container, also for those that join meanwhile. */
export async function waitPod(services: PodsServices, id: string, options: WaitPodOptions = {}): Promise<WaitPodResult> {
  await checkWaitOptions(options)
  const results = new Map<string, PodContainerResult>()
  for (;;) {
    const read = await readPod(services, id).catch((error: unknown) => {
      // Removed while it was waited for: all of it has ended.
      if (results.size > 0 && isLibpodError(error, 'not-found')) return undefined
      throw error
    })
    const added = read?.members.filter((member) => !results.has(member.id)) ?? []
    if (added.length === 0) return { containers: [...results.values()] }
    await Promise.all(
      added.map(async ({ id: container, name }) => {
        results.set(container, { id: container, name, ...(await waitContainer(services.containers, container, options)) })
      }),
    )
  }
}
