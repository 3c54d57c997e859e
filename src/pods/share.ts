import type { JoinableNamespace } from '../oci/spec/namespaces.ts'

/** The namespaces that the containers of a pod can share, with Podman's names. @public */
export const podNamespaces = ['net', 'ipc', 'uts', 'pid', 'cgroup'] as const

/** One of {@link podNamespaces}. @public */
export type PodNamespace = (typeof podNamespaces)[number]

/** What a pod shares if nothing is said. */
export const defaultShare: readonly PodNamespace[] = ['net', 'ipc', 'uts']

/** The option of containers that each of them decides on. */
export const optionOf = {
  net: 'network',
  ipc: 'ipc',
  uts: 'uts',
  pid: 'pid',
  cgroup: 'cgroupns',
} as const satisfies Record<PodNamespace, JoinableNamespace>
