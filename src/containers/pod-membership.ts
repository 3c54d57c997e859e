import type { JoinableNamespace } from '../oci/spec/namespaces.ts'
import type { RuntimeResources } from '../specs/runtime-spec.ts'

/** What a container has to know of the pod it is in. The room of pods, which is above, tells it. */
export interface PodMembership {
  readonly id: string
  readonly name: string
  /** The container that holds the namespaces of the pod; a pod without one shares none. */
  readonly infra?: string
  /** The namespaces that its containers share. */
  readonly shares: readonly JoinableNamespace[]
  /** The pod's own cgroup, as `cgroupParent` names it: the parent of those of its containers. */
  readonly cgroupParent: string
  /** What all its containers together may use; absent where they may use anything. */
  readonly limits?: RuntimeResources
}
