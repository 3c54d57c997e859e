import { LibpodError } from '../../base/errors.ts'
import { sleep } from '../../base/time.ts'
import { openPorts } from '../../linux/network/port-holder.ts'
import { readAttachment } from '../../network/attachment.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { isActive } from '../status.ts'
import { readLive, requireRecord } from '../store.ts'
import { isAsked, publishedAt } from './host-port.ts'
import { networkOwner } from './network-owner.ts'
import { publishedPorts } from './start-network.ts'

/** What answers for a container. @public */
export interface HttpProbe {
  /** The port in the container. */
  readonly port: number
  /** `/` if not given. */
  readonly path?: string | undefined
  /** The status it must answer with; any from 200 to 399 if not given. */
  readonly status?: number | undefined
  /** Speak TLS; whose certificate it is does not matter. */
  readonly tls?: boolean | undefined
}

/** The kernel tells nobody that a port was opened: it is looked at so often. */
const everyMs = 20
/** One answer may take so long. */
const answerMs = 5_000

/** Waits until a program of the container listens on a tcp port: seen in the container's own network namespace, whatever that is connected to. */
export async function untilPort(services: ContainersServices, id: string, port: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    const pid = await runningPid(services, id, `port ${port} was open`)
    if (pid !== undefined && (await openPorts(pid, 'tcp')).some((open) => open.port === port && open.listening)) return
    await sleep(everyMs, { signal })
  }
}

/** Waits until a request is answered as it should be: through the container's own address, or, where this host cannot reach that, its published port. */
export async function untilHttp(services: ContainersServices, id: string, probe: HttpProbe, signal: AbortSignal): Promise<void> {
  const owner = await reachableOwner(services, id, probe.port)
  await untilPort(services, id, probe.port, signal)
  for (;;) {
    signal.throwIfAborted()
    await runningPid(services, id, `${probe.path ?? '/'} was answered`)
    const way = await wayTo(services, owner, probe.port)
    const status = way && (await statusOf(probe, way, signal))
    signal.throwIfAborted()
    if (status !== undefined && (probe.status === undefined ? status >= 200 && status < 400 : status === probe.status)) return
    await sleep(everyMs, { signal })
  }
}

/** `undefined` while it is only about to run. Rejects when it has ended. */
async function runningPid(services: ContainersServices, id: string, before: string): Promise<number | undefined> {
  const { name, state } = await requireRecord(services, id)
  if (isActive(state.status)) return (await readLive(services, id))?.pid
  if (state.status !== 'exited' || state.restartDueAt !== undefined) return undefined
  throw new LibpodError(
    'unavailable',
    `Container ${name} ended before ${before}.`,
    { what: name },
    { hint: 'Look at its logs() and its exit code.' },
  )
}

/** The container through whose network it is reached. */
async function reachableOwner(services: ContainersServices, id: string, port: number): Promise<ContainerRecord> {
  const record = await requireRecord(services, id)
  const { name } = record
  const owner = await networkOwner(services, record)
  const { network } = owner.options
  if (network === 'host') return owner
  const unreachable = (what: string, hint: string): LibpodError =>
    new LibpodError('invalid-argument', `http: ${what} from this host.`, { path: 'http' }, { hint })
  if (typeof network !== 'object' || !('networks' in network))
    throw unreachable(
      `no port of container ${name} can be reached`,
      'Put it into a network, or wait for { port } or a line of the { log }.',
    )
  if (services.network.backend.reach === 'ports' && !isAsked(owner, port, 'tcp'))
    throw unreachable(
      `port ${port} of container ${name} cannot be reached`,
      `Publish it: ports: [{ container: ${port} }], or wait for { port: ${port} }.`,
    )
  return owner
}

/** Where its port is reached; `undefined` while it is not connected. */
async function wayTo(
  services: ContainersServices,
  { id, options }: ContainerRecord,
  port: number,
): Promise<{ readonly host: string; readonly port: number } | undefined> {
  const loopback = '127.0.0.1'
  if (options.network === 'host') return { host: loopback, port }
  if (services.network.backend.reach === 'ports') {
    const published = publishedAt(await publishedPorts(services, id), port, 'tcp')
    return published && { host: published.hostIp ?? loopback, port: published.host }
  }
  const host = (await readAttachment(services.network.store, id))?.networks[0]?.addresses[0]
  return host === undefined ? undefined : { host, port }
}

/** `undefined` when there was no answer. */
async function statusOf(
  { path = '/', tls = false }: HttpProbe,
  { host, port }: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<number | undefined> {
  // They and what they load are a tenth of an import of this package, and few ask.
  const { request: ask } = tls ? await import('node:https') : await import('node:http')
  return new Promise((resolve) => {
    const request = ask({
      host,
      port,
      path,
      agent: false,
      timeout: answerMs,
      signal,
      ...(tls ? { rejectUnauthorized: false } : {}),
    })
    request.on('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.on('timeout', () => request.destroy())
    // No answer is none, for whatever reason.
    request.on('error', () => resolve(undefined))
    request.on('close', () => resolve(undefined))
    request.end()
  })
}
