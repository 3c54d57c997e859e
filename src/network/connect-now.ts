import { LibpodError } from '../base/errors.ts'
import { step } from '../base/steps.ts'
import type { HeldNamespace } from '../linux/network/namespace.ts'
import { type Attachment, readAttachment } from './attachment.ts'
import { giveLease, setupLock, takeLease, updateAttachment, type WantedNetwork } from './leases.ts'
import type { NetworkServices } from './services.ts'
import { requestOf } from './set-up.ts'

/** Connects a running container to one more network. On a failure the container is as it was. */
export async function connectNow(
  services: NetworkServices,
  container: string,
  wanted: WantedNetwork,
  namespace: HeldNamespace | undefined,
): Promise<void> {
  const { locks, backend, probe } = services
  if (namespace === undefined) throw noNamespace(container)
  const { id } = wanted.record
  const attachment = await step(probe, 'connect.lease', () => takeLease(services, container, wanted))
  const release = await locks.acquire(setupLock)
  const request = { ...only(attachment, id), namespace: namespace.path }
  try {
    const setup = await step(probe, 'connect.setup', () => backend.setup(request))
    await step(probe, 'connect.up', () =>
      updateAttachment(services, container, (before) => ({
        ...before,
        networks: before.networks.map((connected) => {
          const status = setup[connected.network.id]
          return status === undefined ? connected : { ...connected, status }
        }),
      })),
    )
  } catch (error) {
    await backend.teardown({ ...request, emptied: [], interrupted: false })
    await giveLease(services, container, id)
    throw error
  } finally {
    await release()
  }
}

/** Disconnects a running container from one network, or takes down what there is of one that was not set up to its end. */
export async function disconnectNow(
  services: NetworkServices,
  container: string,
  network: string,
  namespace: HeldNamespace | undefined,
): Promise<void> {
  const { store, locks, backend, probe } = services
  const attachment = await readAttachment(store, container)
  const found = attachment?.networks.find((connected) => connected.network.id === network)
  if (attachment === undefined || found === undefined) return
  if (namespace === undefined) throw noNamespace(container)
  const release = await locks.acquire(setupLock)
  try {
    const interrupted = found.status === undefined
    const request = { ...only(attachment, network), namespace: namespace.path, emptied: [], interrupted }
    // Without a status it is not whole: whoever finds it takes down what there is.
    await step(probe, 'disconnect.leave', () =>
      updateAttachment(services, container, (before) => ({
        ...before,
        networks: before.networks.map(({ status, ...connected }) =>
          status === undefined || connected.network.id === network ? connected : { ...connected, status },
        ),
      })),
    )
    await step(probe, 'disconnect.teardown', () => backend.teardown(request))
    await step(probe, 'disconnect.give', () => giveLease(services, container, network))
  } finally {
    await release()
  }
}

/** What a backend is told of one network alone. */
function only(attachment: Attachment, network: string): ReturnType<typeof requestOf> {
  const request = requestOf(attachment)
  return { ...request, networks: request.networks.filter((connected) => connected.network.id === network) }
}

function noNamespace(container: string): LibpodError {
  return new LibpodError(
    'invalid-state',
    `The network namespace of container ${container.slice(0, 12)} is gone: it is just ending.`,
    { kind: 'container', ref: container, state: 'stopping', allowed: ['running', 'paused'], verb: 'connect' },
    { hint: 'Do it again when it has ended.' },
  )
}
