import { LibpodError } from '../base/errors.ts'
import { step } from '../base/steps.ts'
import { sleep } from '../base/time.ts'
import type { HeldNamespace } from '../linux/network/namespace.ts'
import { type Attachment, allAttachments, readAttachment } from './attachment.ts'
import type { NetworkSetup } from './backend.ts'
import { giveLeases, setupLock, takeLeases, updateAttachment, type WantedAttachment } from './leases.ts'
import type { NetworkServices } from './services.ts'

/** In the place of an engine: it is dead. */
const nobody = 'nobody'

/** A container that is about to be connected: its leases are taken, and its namespace is there. */
export interface PreparedNetwork {
  readonly attachment: Attachment
  readonly namespace: HeldNamespace
}

/** Takes the leases of a container and makes its namespace. What an earlier run has left is taken down first. */
export async function prepareNetwork(services: NetworkServices, wanted: WantedAttachment): Promise<PreparedNetwork> {
  await services.backend.info()
  await takeDownNow(services, wanted.container)
  const attachment = await step(services.probe, 'network.lease', () => takeLeases(services, wanted))
  return { attachment, namespace: await services.makeNamespace() }
}

/** Connects it. Rejects when somebody has taken its leases back meanwhile. */
export async function setUpNetwork(services: NetworkServices, { attachment, namespace }: PreparedNetwork): Promise<Attachment> {
  const { container } = attachment
  const release = await services.locks.acquire(setupLock)
  try {
    const now = await readAttachment(services.store, container)
    if (now?.phase !== 'setting-up' || now.owner !== services.owner) throw takenBack(attachment)
    const setup = await step(services.probe, 'network.setup', () =>
      services.backend.setup({ ...requestOf(now), namespace: namespace.path }),
    )
    const up = await step(services.probe, 'network.up', () => updateAttachment(services, container, (before) => withStatus(before, setup)))
    if (up === undefined) throw takenBack(attachment)
    return up
  } finally {
    await release()
  }
}

/** Marks a container as leaving, and takes it down while nobody waits. The namespace is let go of then. */
export async function releaseNetwork(services: NetworkServices, container: string, namespace: HeldNamespace | undefined): Promise<void> {
  const { probe, background, logger, owner } = services
  let interrupted = false
  const leaving = await step(probe, 'network.leave', () =>
    updateAttachment(services, container, (attachment) => {
      interrupted = wasInterrupted(services, attachment)
      return { ...attachment, phase: 'leaving', owner }
    }),
  )
  if (leaving === undefined) {
    namespace?.close()
    return
  }
  background.run(
    async () => {
      try {
        await takeDown(services, container, { namespace, interrupted })
      } catch (error) {
        // Nobody is at it any more: whoever comes next may try.
        await updateAttachment(services, container, (attachment) => ({ ...attachment, owner: nobody }))
        throw error
      } finally {
        namespace?.close()
      }
    },
    (error) => logger.warn(`Taking down the network of container ${container.slice(0, 12)} failed: ${messageOf(error)}`),
  )
}

/** Takes down what is left of a container, if anything is, and waits for it. The caller knows that the container has no processes. */
export async function takeDownNow(services: NetworkServices, container: string): Promise<void> {
  for (;;) {
    const attachment = await readAttachment(services.store, container)
    if (attachment === undefined) return
    if (attachment.phase !== 'leaving' || !services.isOwnerAlive(attachment.owner))
      return takeDown(services, container, { namespace: undefined, interrupted: wasInterrupted(services, attachment) })
    // Somebody is at it, or waits for the lock.
    const release = await services.locks.acquire(setupLock)
    await release()
    await sleep(1)
  }
}

/** The last call for it may have been cut off: what is not `up`, and whose engine is dead. */
function wasInterrupted({ isOwnerAlive }: NetworkServices, { phase, owner }: Attachment): boolean {
  return phase !== 'up' && !isOwnerAlive(owner)
}

async function takeDown(
  services: NetworkServices,
  container: string,
  { namespace, interrupted }: { readonly namespace: HeldNamespace | undefined; readonly interrupted: boolean },
): Promise<void> {
  const release = await services.locks.acquire(setupLock)
  try {
    const attachment = await readAttachment(services.store, container)
    if (attachment === undefined) return
    if (namespace === undefined) services.logger.debug(`The network namespace of container ${container.slice(0, 12)} is gone.`)
    const emptied = namespace === undefined ? await lastOf(services, attachment) : []
    const request = { ...requestOf(attachment), emptied, interrupted, ...(namespace === undefined ? {} : { namespace: namespace.path }) }
    await step(services.probe, 'network.teardown', () => services.backend.teardown(request))
    await step(services.probe, 'network.give', () => giveLeases(services, container))
  } finally {
    await release()
  }
}

/** The networks of a container that no other one is connected to. */
async function lastOf({ store }: NetworkServices, { container, networks }: Attachment): Promise<string[]> {
  const others = (await allAttachments(store)).filter((other) => other.container !== container)
  const used = new Set(others.flatMap((other) => other.networks.map(({ network }) => network.id)))
  return networks.map(({ network }) => network.id).filter((id) => !used.has(id))
}

/** What a backend is told: the same at the setup and at the teardown. */
export function requestOf({ container, name, networks, ports, dnsServers }: Attachment) {
  return {
    container: { id: container, name },
    networks: networks.map(({ status: _, ...connected }) => connected),
    ports,
    dnsServers,
  }
}

function withStatus(attachment: Attachment, setup: NetworkSetup): Attachment {
  return {
    ...attachment,
    phase: 'up',
    networks: attachment.networks.map((connected) => {
      const status = setup[connected.network.id]
      return status === undefined ? connected : { ...connected, status }
    }),
  }
}

function takenBack({ name }: Attachment): LibpodError {
  return new LibpodError(
    'conflict',
    `The start of container ${name} was taken back meanwhile.`,
    { what: name },
    { hint: 'Start it again.' },
  )
}

/** What an error says, for the log. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
