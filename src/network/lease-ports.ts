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
/** Below lie the ports of services. */
const unprivileged = 1024

/** Chooses the host's ports: those asked for, or free ones, those of the last run first. */
export async function choosePorts(store: StateStore, ports: readonly NormalizedPort[], wish: PortWish): Promise<ChosenPorts> {
  const changes = new Map<string, { check: Required<StateChange>['checks'][number]; value: PortHolder[] }>()
  const look = async (port: MappedPort) => {
    const key = portKey(port.protocol, port.hostPort)
    const [entry] = await store.get([key])
    const value = changes.get(key)?.value ?? [...((entry?.value ?? []) as unknown as readonly PortHolder[])]
    return { key, entry, value, holder: value.find(({ hostIp }) => isSameAddress(hostIp, port.hostIp))?.container }
  }
  const lease = async (port: MappedPort): Promise<string | undefined> => {
    const { key, entry, value, holder } = await look(port)
    if (holder !== undefined) return holder
    const check = entry === undefined ? { key, exists: false } : { key, version: entry.version }
    changes.set(key, { check, value: [...value, { hostIp: port.hostIp, container: wish.container }] })
    return undefined
  }
  const free = async (port: MappedPort): Promise<boolean> => isFree(port) && (await look(port)).holder === undefined
  // Those that are chosen must not be such as others ask for.
  const inOrder = [...ports.filter(({ host }) => host !== undefined), ...ports.filter(({ host }) => host === undefined)]
  const taken = new Map<NormalizedPort, readonly MappedPort[]>()
  for (const port of inOrder) {
    const first = port.host ?? (await findFree(port, free, wish))
    const block = blockFrom(port, first)
    for (const each of block) {
      if (port.host !== undefined) await takeAsked(each, lease, wish)
      else await lease(each)
    }
    taken.set(port, block)
  }
  return {
    ports: ports.flatMap((port) => taken.get(port) ?? []),
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

/** A port asks for so many ports of the host in a row. */
function blockFrom({ protocol, hostIp, container, range }: NormalizedPort, first: number): MappedPort[] {
  return Array.from({ length: range }, (_, at) => ({ protocol, hostIp, containerPort: container + at, hostPort: first + at }))
}

/**
 * The first of as many free ports in a row as are asked for: where they were last, or somewhere. In a row, because a backend makes one
 * mapping of them; one for each would take it minutes.
 */
async function findFree(port: NormalizedPort, free: (port: MappedPort) => Promise<boolean>, { preferred }: PortWish): Promise<number> {
  const { protocol, hostIp, container, range } = port
  const fits = async (first: number): Promise<boolean> => {
    if (first + range - 1 > 65_535) return false
    for (const each of blockFrom(port, first)) if (!(await free(each))) return false
    return true
  }
  const before = preferred.filter((last) => last.protocol === protocol && last.hostIp === hostIp && last.containerPort === container)
  for (const { hostPort } of before) if (await fits(hostPort)) return hostPort
  for (let at = 0; at < tries; at++) {
    // The kernel chooses from its own range, which is too small, or begins too high, for large ones.
    const chosen = await freePort({ protocol, hostIp })
    const highest = 65_536 - range
    const first = chosen <= highest ? chosen : unprivileged + Math.floor(Math.random() * (highest - unprivileged + 1))
    if (first >= unprivileged && (await fits(first))) return first
  }
  const what = range === 1 ? `${protocol} port` : `${range} ${protocol} ports in a row`
  throw new LibpodError(
    'conflict',
    `No free ${what} ${range === 1 ? 'was' : 'were'} found on this host.`,
    { what: `${protocol} port` },
    {
      hint: `Ask for ${range === 1 ? 'a certain one' : 'certain ones'} with { host }, or ${range === 1 ? 'widen net.ipv4.ip_local_port_range' : 'make the range smaller'}.`,
    },
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
