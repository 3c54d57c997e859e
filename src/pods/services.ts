import type { ContainersServices } from '../containers/services.ts'

/** What the verbs of pods work with: those of containers, for a pod is what its containers are. */
export interface PodsServices {
  readonly containers: ContainersServices
  /** The folder of the root file system of infra containers. */
  readonly infraRoot: string
}
