import type { PodMembership } from '../containers/pod-membership.ts'
import { linuxResources } from '../oci/spec/resources.ts'
import { podKind } from './record.ts'
import type { PodsServices } from './services.ts'
import { optionOf } from './share.ts'
import { requirePod } from './store.ts'

/** What containers have to know of their pod. Rejects with `not-found`. */
export async function membershipOf(services: PodsServices, reference: string): Promise<PodMembership> {
  const { registry, host } = services.containers
  const { id, name, infra, share, cgroup, resources } = await requirePod(services, await registry.resolve(podKind.kind, reference))
  const { pids, ...limits } = linuxResources(resources, await host())
  const all = resources.pidsLimit > 0 && pids !== undefined ? { ...limits, pids } : limits
  return {
    id,
    name,
    ...(infra === undefined ? {} : { infra }),
    shares: infra === undefined ? [] : share.map((namespace) => optionOf[namespace]),
    cgroupParent: cgroup,
    ...(Object.keys(all).length === 0 ? {} : { limits: all }),
  }
}
