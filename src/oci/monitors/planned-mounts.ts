import { closeSync, mkdirSync } from 'node:fs'
import { copyMountOf, placeMount } from '../../linux/mount-copy.ts'
import { mount } from '../../linux/mounts.ts'
import { inNewMountNamespace } from '../../linux/namespaces.ts'
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

/**
 * Runs synchronous `work` in a new mount namespace in which the mounts of a plan are made, in order. Programs that it spawns
 * stay there. For the helper process.
 */
export function inPlannedMounts<T>(mounts: readonly PlannedMount[], work: () => T): T {
  const copies = new Map<PlannedMount, number>()
  try {
    // Copied from where they are, before this process goes to where they are wanted.
    for (const planned of mounts) if (planned.of !== undefined) copies.set(planned, copyMountOf(planned.of, planned.source))
    return inNewMountNamespace(() => {
      for (const planned of mounts) make(planned, copies.get(planned))
      return work()
    })
  } finally {
    for (const fd of copies.values()) closeSync(fd)
  }
}

function make({ mkdir, of: _, descriptor: __, ...spec }: PlannedMount, copy: number | undefined): void {
  // Made here, so that it is there when the mount namespace is a new one and its parent a mount of this plan.
  if (mkdir !== undefined) mkdirSync(spec.target, { recursive: true, mode: mkdir })
  if (copy === undefined) mount(spec)
  else placeMount(copy, spec.target)
}
