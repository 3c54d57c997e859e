import { mkdirSync } from 'node:fs'
import { mount } from '../../linux/mounts.ts'
import type { PlannedMount } from '../monitor.ts'

/** The descriptors that go to the helper with a plan. */
export function descriptorsOf(mounts: readonly PlannedMount[]): number[] {
  return mounts.flatMap(({ descriptor }) => descriptor ?? [])
}

/** The same mounts, when their descriptors have come, in their order. */
export function withDescriptors(mounts: readonly PlannedMount[], descriptors: readonly number[]): PlannedMount[] {
  const rest = [...descriptors]
  return mounts.map((mount) => (mount.descriptor === undefined ? mount : { ...mount, source: `/proc/self/fd/${rest.shift()}` }))
}

/** Makes the mounts of a plan, in order. For the helper process, inside the container's own mount namespace. */
export function makePlannedMounts(mounts: readonly PlannedMount[]): void {
  for (const { mkdir, descriptor: _, ...spec } of mounts) {
    // Made here, so that it is there when the mount namespace is a new one and its parent a mount of this plan.
    if (mkdir !== undefined) mkdirSync(spec.target, { recursive: true, mode: mkdir })
    mount(spec)
  }
}
