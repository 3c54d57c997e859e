import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { resolveJoined } from '../containers/create/joined.ts'
import { planContainer } from '../containers/create/plan.ts'
import type { ContainerRecord } from '../containers/record.ts'
import { requireInitPath } from '../oci/spec/init.ts'
import type { CreatePodOptions } from './options.ts'
import type { PodRecord } from './record.ts'
import type { PodsServices } from './services.ts'

/** What is mounted in every container: the places for it have to be there, because nothing may be made in a root file system that is read only. */
const folders = ['dev', 'proc', 'sys', 'run', 'etc', 'tmp']
const files = ['etc/hosts', 'etc/hostname', 'etc/resolv.conf', 'run/.containerenv', 'run/podman-init']

/**
 * Plans the container that holds the namespaces of a pod. It needs no image: it runs catatonit, which is one static program, and does
 * nothing but wait and reap. Rejects with `unavailable` where there is none.
 */
export async function planInfra(services: PodsServices, pod: PodRecord, options: CreatePodOptions): Promise<ContainerRecord> {
  requireInitPath(await services.containers.host(), 'infra')
  await makeRoot(services.infraRoot)
  const { share } = pod
  const { network, ports, dns, extraHosts } = options
  const own = {
    rootfs: services.infraRoot,
    name: `${pod.id.slice(0, 12)}-infra`,
    command: ['catatonit', '-P'],
    readOnly: true,
    readOnlyTmpfs: false,
    log: { driver: 'none' as const },
    ...(share.includes('net') ? { network, ports, dns, extraHosts } : { network: 'none' as const }),
    ...(pod.cgroup === '' ? {} : { cgroupParent: pod.cgroup }),
    ...(share.includes('uts') && (network !== 'host' || options.hostname !== undefined)
      ? { hostname: options.hostname ?? hostnameOf(pod.name) }
      : {}),
  }
  const { record } = await planContainer(services.containers, await resolveJoined(services.containers, own), undefined, { infraOf: pod.id })
  return record
}

/** The pod's name, as far as it can be a host name. */
export function hostnameOf(name: string): string {
  return name.slice(0, 64).replace(/[^a-zA-Z0-9]+$/, '')
}

/** One folder for all: nobody can write to it. */
async function makeRoot(root: string): Promise<void> {
  for (const folder of folders) await mkdir(join(root, folder), { recursive: true, mode: 0o755 })
  for (const file of files) await writeFile(join(root, file), '', { flag: 'a', mode: 0o644 })
}
