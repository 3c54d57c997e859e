import { mkdirSync } from 'node:fs'
import { mount } from '../../linux/mounts.ts'
import type { PlannedMount } from '../monitor.ts'

/** Makes the mounts of a plan, in order. For the helper process, inside the container's own mount namespace. */
export function makePlannedMounts(mounts: readonly PlannedMount[]): void {
  for (const { mkdir, ...spec } of mounts) {
    // Made here, so that it is there when the mount namespace is a new one and its parent a mount of this plan.
    if (mkdir !== undefined) mkdirSync(spec.target, { recursive: true, mode: mkdir })
    mount(spec)
  }
}
