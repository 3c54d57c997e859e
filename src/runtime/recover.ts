import { eachLimited } from '../base/each-limited.ts'
import { isLibpodError } from '../base/errors.ts'
import { step } from '../base/steps.ts'
import { removeOwnerless } from '../containers/lifecycle/remove.ts'
import { settleNow } from '../containers/lifecycle/when-ended.ts'
import type { ContainerRecord, ContainerSummary } from '../containers/record.ts'
import type { ContainersServices } from '../containers/services.ts'
import { isActive } from '../containers/status.ts'
import { readLive, readRecord } from '../containers/store.ts'
import { deadOwners, forgetOwner, isOwnerAlive } from '../locks/owners.ts'
import { recoverNetworks } from '../network/recover.ts'
import { sweepOrphans } from './sweep-orphans.ts'

/** How many containers are looked at together. */
const width = 8

/** What {@link recover} is told. */
export interface RecoverOptions {
  readonly ownersDir: string
  readonly locksDir: string
  /** Nothing that ran before runs any more. */
  readonly newEpoch: boolean
  /** Takes away half-made layers, which belong to images. */
  recoverStorage(): Promise<void>
  /** Takes away volumes that were to go with containers, and half-removed ones. */
  recoverVolumes(isContainer: (id: string) => Promise<boolean>): Promise<void>
}

/**
 * Finishes or takes back what engines that died have left: starts that were cut off, containers that ended or were lost
 * unseen, ephemeral containers without a host, half-made and ownerless files. Every part may happen twice, and any
 * number of engines may do it side by side.
 */
export async function recover(services: ContainersServices, options: RecoverOptions): Promise<void> {
  const { ownersDir, locksDir, newEpoch, recoverStorage, recoverVolumes } = options
  const dead = await deadOwners(ownersDir)
  if (dead.length === 0 && !newEpoch) return
  const isWhole = await step(services.probe, 'recover.containers', () => recoverContainers(services, options))
  const hasSwept = await step(services.probe, 'recover.orphans', () => sweepOrphans(services, locksDir))
  await step(services.probe, 'recover.networks', () => recoverNetworks(services.network, (id) => isInUse(services, ownersDir, id)))
  const isContainer = async (id: string): Promise<boolean> => (await services.registry.get('container', id)) !== undefined
  const hasVolumes = await step(services.probe, 'recover.volumes', () => quietly(services, 'volumes', () => recoverVolumes(isContainer)))
  await step(services.probe, 'recover.storage', recoverStorage)
  // As long as something of theirs is left, the next recovery must know of them.
  if (isWhole && hasSwept && hasVolumes) {
    await step(services.probe, 'recover.owners', () => {
      for (const owner of dead) forgetOwner(ownersDir, owner)
    })
  }
  if (newEpoch) await services.emit({ type: 'system', action: 'refresh', id: '', name: '', attributes: {} })
}

/** Tells whether all of them could be recovered. */
async function recoverContainers(services: ContainersServices, { ownersDir, newEpoch }: RecoverOptions): Promise<boolean> {
  const unsettled = new Set<string>((await services.live.all('container')).map(({ id }) => id))
  const ownerless = new Set<string>()
  for await (const page of services.registry.iterate('container')) {
    for (const { id, summary } of page) {
      const { status, ephemeral } = summary as unknown as ContainerSummary
      if (isActive(status)) unsettled.add(id)
      const record = ephemeral || (newEpoch && status === 'exited') ? await readRecord(services, id) : undefined
      if (record?.owner !== undefined && !isOwnerAlive(ownersDir, record.owner)) ownerless.add(id)
      else if (newEpoch && record) await recoverRestart(services, record)
      // It is its engine's as long as that lives, who may hold its lock for long.
      else if (record?.pins.monitor === 'direct') unsettled.delete(id)
    }
  }
  for (const id of ownerless) unsettled.delete(id)
  let isWhole = true
  const look = async (id: string, work: () => Promise<void>): Promise<void> => {
    if (!(await quietly(services, `container ${id.slice(0, 12)}`, work))) isWhole = false
  }
  await eachLimited(ownerless, width, (id) => look(id, () => removeOwnerless(services, id)))
  await eachLimited(unsettled, width, (id) => look(id, () => settleNow(services, id)))
  return isWhole
}

/** That it is due was remembered under the run root, where all is gone now. */
async function recoverRestart(services: ContainersServices, { id, state }: ContainerRecord): Promise<void> {
  if (state.status === 'exited' && state.restartDueAt !== undefined) await services.restartDue(id, new Date(state.restartDueAt))
}

/** One object that cannot be recovered must not keep the engine from opening: it is told of, and the verbs on it fail. */
async function quietly(services: ContainersServices, what: string, work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (isLibpodError(error, 'closed')) throw error
    services.logger.warn(`Recovering ${what}: ${error instanceof Error ? error.message : String(error)}`)
    return false
  }
}

/** Whether a container's network is somebody's: of a verb that is under way, or of processes. */
async function isInUse(services: ContainersServices, ownersDir: string, id: string): Promise<boolean> {
  if ((await readLive(services, id)) !== undefined) return true
  const record = await readRecord(services, id)
  // A program that is run directly has no entry among the live ones: it is there as long as its engine is.
  return record !== undefined && isActive(record.state.status) && record.owner !== undefined && isOwnerAlive(ownersDir, record.owner)
}
