import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { LibpodError } from '../../base/errors.ts'
import { isSameProcess, type NamespaceKind, namespacePath, type ProcessIdentity } from '../../linux/proc.ts'
import type { JoinedFiles } from '../../oci/spec/engine-files.ts'
import { type JoinableNamespace, joinableNamespaces, joinedContainer, type NamespacePaths } from '../../oci/spec/namespaces.ts'
import { bundleOf } from '../places.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import type { ContainerStatus } from '../status.ts'
import { readLive, requireRecord } from '../store.ts'

/** What a container that is about to start finds of those whose namespaces it joins. */
export interface JoinedContainers {
  readonly namespacePaths: NamespacePaths
  /** Those of them that are the host's: there is nothing to join, and without root it would be refused. */
  readonly ofHost: Readonly<Partial<Record<JoinableNamespace, 'host'>>>
  readonly files: JoinedFiles
  /** The first processes of those containers: a path in /proc means them only as long as they live. */
  readonly owners: readonly JoinedOwner[]
}

/** A container with a process whose namespaces can be joined. */
export interface JoinedOwner extends ProcessIdentity {
  readonly record: ContainerRecord
}

const joinable: readonly ContainerStatus[] = ['initialized', 'running', 'paused']

/** The kernel's and the OCI's names of what the options call otherwise. */
const kinds = {
  network: { proc: 'net', oci: 'network' },
  pid: { proc: 'pid', oci: 'pid' },
  ipc: { proc: 'ipc', oci: 'ipc' },
  uts: { proc: 'uts', oci: 'uts' },
  cgroupns: { proc: 'cgroup', oci: 'cgroup' },
} as const satisfies Record<JoinableNamespace, { readonly proc: NamespaceKind; readonly oci: keyof NamespacePaths }>

const none: JoinedContainers = { namespacePaths: {}, ofHost: {}, files: {}, owners: [] }

/** Finds the namespaces of other containers that a container joins. Rejects with `invalid-state` when one of those does not run. */
export async function findJoined(services: ContainersServices, { options, name }: ContainerRecord): Promise<JoinedContainers> {
  const wanted = joinableNamespaces.flatMap((kind) => {
    const id = joinedContainer(options[kind])
    return id === undefined ? [] : [{ kind, id }]
  })
  if (wanted.length === 0) return none
  const owners = new Map<string, JoinedOwner>()
  for (const { id } of wanted) if (!owners.has(id)) owners.set(id, await requireOwner(services, id, name))
  const ownerOf = (wantedKind: JoinableNamespace): JoinedOwner | undefined =>
    owners.get(wanted.find(({ kind }) => kind === wantedKind)?.id ?? '')
  const ofHost: Partial<Record<JoinableNamespace, 'host'>> = {}
  for (const { kind, id } of wanted) if (await isOfHost(services, id, kind)) ofHost[kind] = 'host'
  const network = ownerOf('network')
  const ipc = ofHost.ipc === undefined ? ownerOf('ipc') : undefined
  return {
    namespacePaths: Object.fromEntries(
      wanted
        .filter(({ kind }) => ofHost[kind] === undefined)
        .map(({ kind, id }) => [kinds[kind].oci, namespacePath(owners.get(id)?.pid ?? 0, kinds[kind].proc)]),
    ),
    ofHost,
    files: {
      ...(network === undefined ? {} : { network: await networkFiles(services, network.record) }),
      ...(ipc === undefined ? {} : { ipc: { pid: ipc.pid, startTime: ipc.startTime } }),
    },
    owners: [...owners.values()],
  }
}

/** Whether a container has the host's own, itself or through the one that it joins. */
async function isOfHost(services: ContainersServices, id: string, kind: JoinableNamespace): Promise<boolean> {
  const mode = (await requireRecord(services, id)).options[kind]
  const beyond = joinedContainer(mode)
  return beyond === undefined ? mode === 'host' : isOfHost(services, beyond, kind)
}

/** Rejects when one of them has ended since: its pid may have been another process's when the runtime came to it. */
export async function checkJoined({ owners }: JoinedContainers, joiner: string, cause?: unknown): Promise<void> {
  for (const owner of owners) if (!(await isSameProcess(owner))) throw notRunning(owner.record, { state: 'exited', joiner, cause })
}

/** The container's first process, if it has one that can be joined now. */
export async function findOwner(services: ContainersServices, id: string): Promise<JoinedOwner | undefined> {
  const [record, live] = await Promise.all([requireRecord(services, id), readLive(services, id)])
  if (!joinable.includes(record.state.status) || live?.pid === undefined || live.pidStartTime === undefined) return undefined
  const owner = { record, pid: live.pid, startTime: live.pidStartTime }
  // Its end may not have been recorded yet.
  return (await isSameProcess(owner)) ? owner : undefined
}

async function requireOwner(services: ContainersServices, id: string, joiner: string): Promise<JoinedOwner> {
  const owner = await findOwner(services, id)
  if (owner !== undefined) return owner
  const [record, live] = await Promise.all([requireRecord(services, id), readLive(services, id)])
  const { status } = record.state
  const state = !joinable.includes(status) ? status : live?.phase === 'starting' ? 'created' : 'exited'
  throw notRunning(record, { state, joiner })
}

function notRunning(
  { name }: ContainerRecord,
  { state, joiner, cause }: { readonly state: string; readonly joiner: string; readonly cause?: unknown },
): LibpodError {
  return new LibpodError(
    'invalid-state',
    `Cannot start container ${joiner}: it joins namespaces of container ${name}, which is ${state}.`,
    { kind: 'container', ref: name, state, allowed: joinable, verb: 'join' },
    { hint: `Start ${name} first.`, ...(cause === undefined ? {} : { cause }) },
  )
}

/** The files of who made the network: whom this one joins may have joined another one itself. */
async function networkFiles(services: ContainersServices, record: ContainerRecord): Promise<NonNullable<JoinedFiles['network']>> {
  const beyond = joinedContainer(record.options.network)
  if (beyond !== undefined) return networkFiles(services, await requireRecord(services, beyond))
  const bundle = bundleOf(services.places, record.id)
  const [hosts, resolvConf] = await Promise.all(['hosts', 'resolv.conf'].map((name) => existing(join(bundle, name))))
  return { ...(hosts === undefined ? {} : { hosts }), ...(resolvConf === undefined ? {} : { resolvConf }) }
}

async function existing(path: string): Promise<string | undefined> {
  return access(path).then(
    () => path,
    () => undefined,
  )
}
