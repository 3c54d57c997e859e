import { isDeepStrictEqual } from 'node:util'
import { isLibpodError } from '../../base/errors.ts'
import { step } from '../../base/steps.ts'
import { isHelperLost } from '../../linux/helper/lost.ts'
import { readAttachment } from '../../network/attachment.ts'
import { connectNow, disconnectNow } from '../../network/connect-now.ts'
import { requireNetwork } from '../../network/store.ts'
import { type ContainerRecord, containerKind, type HeldContainer, type LiveContainer } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { updateState } from '../store.ts'
import { changeNetworks, networksOf } from './change-networks.ts'
import { holdNetwork } from './hold.ts'
import { rewriteEtcFiles } from './rewrite-etc-files.ts'
import { publishedPorts } from './start-network.ts'

/** Says that a running container is being connected or disconnected, until that is done: whoever finds the mark looks for himself. */
export async function markConnecting<T>(
  services: ContainersServices,
  { record, live }: HeldContainer,
  verb: 'connect' | 'disconnect',
  work: () => Promise<T>,
): Promise<T> {
  if (live === undefined) return work()
  const { id } = record
  await step(services.probe, `${verb}.mark`, () => services.live.set(containerKind.kind, id, { ...live, connecting: true }))
  const result = await work()
  await notePorts(services, id)
  await step(services.probe, `${verb}.live`, () => services.live.set(containerKind.kind, id, live))
  return result
}

/**
 * A connect or disconnect was cut off: the running container is brought into the networks of its record, and out of all others. One that it
 * cannot be brought into goes from the record, as the connect would have undone it.
 */
export async function settleNetworks(services: ContainersServices, record: ContainerRecord, live: LiveContainer): Promise<HeldContainer> {
  const { id } = record
  const wanted = networksOf(record, 'connect')
  const namespace = holdNetwork(services.places, id, live)
  let settled = record
  try {
    // One without a status was not set up to its end.
    const found = (await readAttachment(services.network.store, id))?.networks ?? []
    const whole = new Set(found.filter(({ status }) => status !== undefined).map(({ network }) => network.id))
    const kept = new Set(wanted.filter((attachment) => whole.has(attachment.id)).map((attachment) => attachment.id))
    for (const { network } of found)
      if (!kept.has(network.id))
        await step(services.probe, 'settle.disconnect', () => disconnectNow(services.network, id, network.id, namespace))
    for (const attachment of wanted.filter((each) => !kept.has(each.id))) {
      try {
        const network = { ...attachment, record: await requireNetwork(services.network, attachment.id) }
        await step(services.probe, 'settle.connect', () => connectNow(services.network, id, network, namespace))
      } catch (error) {
        // What ends all of it says nothing of this network.
        if (namespace === undefined || isLibpodError(error, 'closed') || isHelperLost(error)) throw error
        services.logger.warn(`Connecting container ${record.name} to ${attachment.name}: ${error instanceof Error ? error.message : error}`)
        const others = networksOf(settled, 'connect').filter((each) => each.id !== attachment.id)
        settled = await changeNetworks(services, settled, others)
      }
    }
    await rewriteEtcFiles(services, settled)
  } finally {
    namespace?.close()
  }
  settled = await notePorts(services, id)
  const { connecting: _, ...known } = live
  await services.live.set(containerKind.kind, id, known)
  return { record: settled, live: known }
}

/** With the last network the published ports go, and with the first they come. */
async function notePorts(services: ContainersServices, id: string): Promise<ContainerRecord> {
  const ports = await publishedPorts(services, id)
  return updateState(services, id, ({ ports: before = [], ...state }) =>
    isDeepStrictEqual(ports, before) ? undefined : { ...state, ...(ports.length === 0 ? {} : { ports }) },
  )
}
