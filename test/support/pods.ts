import { existsSync } from 'node:fs'
import { readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Container, CreateContainerOptions, CreatePodOptions, Pod } from 'libpod-ts'
import { image, type TestEngine } from './engine.ts'

type MemberOptions = Omit<CreateContainerOptions, 'image' | 'command' | 'pod'>

/** A pod with a network that is loopback alone: most tests are not about more. */
export function newPod({ runtime }: TestEngine, options: CreatePodOptions = {}): Promise<Pod> {
  return runtime.pods.create({ network: 'none', ...options })
}

/** A container of the test image in a pod, not started. */
export function member({ runtime }: TestEngine, pod: Pod, command: readonly string[], options: MemberOptions = {}): Promise<Container> {
  return runtime.containers.create({ image, command, pod: pod.id, security: { seccomp: 'unconfined' }, ...options })
}

/** One that waits, and need not be asked to end. */
export function sleeper(engine: TestEngine, pod: Pod, options: MemberOptions = {}): Promise<Container> {
  return member(engine, pod, ['sleep', '1000'], { stopTimeoutMs: 0, ...options })
}

export async function infraOf({ runtime }: TestEngine, pod: Pod): Promise<Container> {
  return runtime.containers.ref((await pod.inspect()).infraId ?? '')
}

/** A namespace of a container's first process. */
export async function namespaceOf(container: Container, kind: string): Promise<string> {
  return readlink(`/proc/${String((await container.inspect()).state.pid)}/ns/${kind}`)
}

/** Whether cgroups are v2 here; where systemd runs such a machine, it makes them. */
export const isUnified = existsSync('/sys/fs/cgroup/cgroup.controllers')

/** The pod's cgroup in one tree of this host. */
export async function cgroupOf(pod: Pod, controller: string): Promise<string> {
  const { cgroup } = await pod.inspect()
  // A slice lies in those that its name begins with.
  const slices = [...cgroup.matchAll(/-|\.slice$/g)].map(({ index }) => `${cgroup.slice(0, index)}.slice`)
  return join('/sys/fs/cgroup', isUnified ? '' : controller, ...(cgroup.endsWith('.slice') ? slices : [cgroup]))
}
