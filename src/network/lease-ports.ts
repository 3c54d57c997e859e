import { closeSync } from 'node:fs'
import { LibpodError } from '../base/errors.ts'
import { isErrno } from '../linux/errno.ts'
import { bindPort } from '../linux/network/bound-socket.ts'
import { holderOfPort } from '../linux/network/port-holder.ts'
import type { StateChange, StateStore } from '../state/state-store.ts'
import { portKey } from './attachment.ts'
import type { MappedPort } from './backend.ts'
import { isSameAddress, type NormalizedPort } from './ports-option.ts'

/** Ports that are chosen, and the change of the store that takes them. */
export interface ChosenPorts {
  readonly ports: readonly MappedPort[]
  readonly change: Required<Pick<StateChange, 'checks' | 'puts'>>
}

/** How ports are chosen. */
export interface PortWish {
  readonly container: string
  /** Those of the last run. */
  readonly preferred: readonly MappedPort[]
  /** Somebody who is just leaving has this one: waits for that, and tells whether it was so. */
  leaving(container: string): Promise<boolean>
  /** Tells who has a port that was asked for. */
  nameOf(container: string): Promise<string>
}

/** Who has a port of one protocol: as many as there are addresses. */
interface PortHolder {
  readonly hostIp: string
  readonly container: string
}

/** How often the kernel is asked for a free port before somebody else must be taking all of them. */
const tries = 100

/** Chooses the host's ports: those asked for, or free ones, those of the last run first. */
export async function choosePorts(store: StateStore, ports: readonly NormalizedPort[], wish: PortWish): Promise<ChosenPorts> {
  const chosen: MappedPort[] = []
  const changes = new Map<string, { check: Required<StateChange>['checks'][number]; value: PortHolder[] }>()
  const lease = async (port: MappedPort): Promise<string | undefined> => {
    const key = portKey(port.protocol, port.hostPort)
    const [entry] = await store.get([key])
    const value = changes.get(key)?.value ?? [...((entry?.value ?? []) as unknown as readonly PortHolder[])]
    const holder = value.find(({ hostIp }) => isSameAddress(hostIp, port.hostIp))
    if (holder !== undefined) return holder.container
    const check = entry === undefined ? { key, exists: false } : { key, version: entry.version }
    changes.set(key, { check, value: [...value, { hostIp: port.hostIp, container: wish.container }] })
    chosen.push(port)
    return undefined
  }
  for (const port of ports) {
    for (let at = 0; at < port.range; at++) {
      const { protocol, hostIp } = port
      const containerPort = port.container + at
      if (port.host !== undefined) await takeAsked({ protocol, hostIp, containerPort, hostPort: port.host + at }, lease, wish)
      else await takeFree({ protocol, hostIp, containerPort }, lease, wish)
    }
  }
  return {
    ports: chosen,
    change: {
      checks: [...changes.values()].map(({ check }) => check),
      puts: [...changes].map(([key, { value }]) => ({ key, value: value.map(({ hostIp, container }) => ({ hostIp, container })) })),
    },
  }
}

type Lease = (port: MappedPort) => Promise<string | undefined>

async function takeAsked(port: MappedPort, lease: Lease, wish: PortWish): Promise<void> {
  for (;;) {
    const holder = await lease(port)
    if (holder === undefined) break
    // What it has already it will not give back while it waits for itself.
    if (holder === wish.container || !(await wish.leaving(holder)))
      throw portTaken(port, holder === wish.container ? 'this container already' : `container ${await wish.nameOf(holder)}`)
  }
  await checkFree(port)
}

async function takeFree(port: Omit<MappedPort, 'hostPort'>, lease: Lease, { preferred }: PortWish): Promise<void> {
  const before = preferred.filter(
    ({ protocol, hostIp, containerPort }) => protocol === port.protocol && hostIp === port.hostIp && containerPort === port.containerPort,
  )
  for (const last of before) if (isFree(last) && (await lease(last)) === undefined) return
  for (let at = 0; at < tries; at++) {
    const hostPort = await freePort(port)
    if ((await lease({ ...port, hostPort })) === undefined) return
  }
  throw new LibpodError(
    'conflict',
    `No free ${port.protocol} port was found on this host.`,
    { what: `${port.protocol} port` },
    { hint: 'Ask for a certain one with { host }, or widen net.ipv4.ip_local_port_range.' },
  )
}

/** Gives back what leases of ports say without this container. */
export async function portsWithout(
  store: StateStore,
  container: string,
  ports: readonly MappedPort[],
): Promise<Required<Pick<StateChange, 'checks' | 'puts' | 'deletes'>>> {
  const keys = [...new Set(ports.map(({ protocol, hostPort }) => portKey(protocol, hostPort)))]
  const entries = (await store.get(keys)).filter((entry) => entry !== undefined)
  const rest = entries.map(({ key, value, version }) => ({
    key,
    version,
    value: (value as unknown as readonly PortHolder[]).filter((holder) => holder.container !== container),
  }))
  return {
    checks: rest.map(({ key, version }) => ({ key, version })),
    puts: rest.filter(({ value }) => value.length > 0).map(({ key, value }) => ({ key, value: value.map((holder) => ({ ...holder })) })),
    deletes: rest.filter(({ value }) => value.length === 0).map(({ key }) => key),
  }
}

/** Nobody holds it: not even a program that is no container. */
async function checkFree(port: MappedPort): Promise<void> {
  try {
    closeSync(bindPort({ ...port, port: port.hostPort }).fd)
  } catch (error) {
    throw await bindFailed(error, port)
  }
}

/** What a port that cannot be bound is refused with. */
async function bindFailed(error: unknown, port: MappedPort): Promise<unknown> {
  const { protocol, hostIp, hostPort } = port
  if (isErrno(error, 'EADDRINUSE')) {
    const holder = await holderOfPort(protocol, hostPort)
    return portTaken(port, holder === undefined ? 'another program' : `${holder.program} (process ${holder.pid})`, error)
  }
  if (isErrno(error, 'EADDRNOTAVAIL')) return noSuchAddress(hostIp, error)
  if (isErrno(error, 'EACCES')) {
    return new LibpodError(
      'permission-denied',
      `The ${protocol} port ${hostPort} may not be bound by this process.`,
      { what: `${protocol} port ${hostPort}` },
      { cause: error, hint: 'Ports below net.ipv4.ip_unprivileged_port_start are for root.' },
    )
  }
  return error
}

function isFree(port: MappedPort): boolean {
  try {
    closeSync(bindPort({ ...port, port: port.hostPort }).fd)
    return true
  } catch {
    return false
  }
}

/** Any port that is free now. */
async function freePort({ protocol, hostIp }: Pick<MappedPort, 'protocol' | 'hostIp'>): Promise<number> {
  try {
    const { fd, port } = bindPort({ protocol, hostIp, port: 0 })
    closeSync(fd)
    return port
  } catch (error) {
    throw isErrno(error, 'EADDRNOTAVAIL') ? noSuchAddress(hostIp, error) : error
  }
}

function portTaken({ protocol, hostIp, hostPort }: MappedPort, holder: string, cause?: unknown): LibpodError<'conflict'> {
  const where = hostIp === '' ? '' : ` of ${hostIp}`
  return new LibpodError(
    'conflict',
    `The ${protocol} port ${hostPort}${where} is held by ${holder}.`,
    { what: `${protocol} port ${hostPort}` },
    { ...(cause === undefined ? {} : { cause }), hint: 'Stop that, take another port, or leave { host } out: then a free one is chosen.' },
  )
}

function noSuchAddress(hostIp: string, cause: unknown): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `ports: ${hostIp} is no address of this host.`,
    { path: 'ports.hostIp', value: hostIp },
    { cause, hint: 'Leave hostIp out to publish on every address.' },
  )
}
