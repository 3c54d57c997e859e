import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { eachLimited } from '../base/each-limited.ts'
import { isLibpodError } from '../base/errors.ts'
import { isIdPrefix } from '../base/ids.ts'
import { step } from '../base/steps.ts'
import { removeOwnerless } from '../containers/lifecycle/remove.ts'
import { settleNow } from '../containers/lifecycle/when-ended.ts'
import type { ContainerSummary } from '../containers/record.ts'
import type { ContainersServices, LiveEntries } from '../containers/services.ts'
import { isActive } from '../containers/status.ts'
import { deadOwners, forgetOwner } from '../locks/owners.ts'

/** How many containers are looked at together. */
const width = 8

/** What {@link recover} is told. */
export interface RecoverOptions {
  readonly ownersDir: string
  /** Nothing that ran before runs any more. */
  readonly newEpoch: boolean
  /** Takes away half-made layers, which belong to images. */
  recoverStorage(): Promise<void>
}

/**
 * Finishes or takes back what engines that died have left: starts that were cut off, containers that ended or were lost
 * unseen, ephemeral containers without a host, half-made and ownerless files. Every part may happen twice, and any
 * number of engines may do it side by side.
 */
export async function recover(services: ContainersServices, { ownersDir, newEpoch, recoverStorage }: RecoverOptions): Promise<void> {
  const dead = await deadOwners(ownersDir)
  if (dead.length === 0 && !newEpoch) return
  await step(services.probe, 'recover.containers', () => recoverContainers(services, new Set(dead), newEpoch))
  await step(services.probe, 'recover.making', () => recoverMaking(services, new Set(dead)))
  await step(services.probe, 'recover.orphans', () => sweepOrphans(services))
  await step(services.probe, 'recover.storage', recoverStorage)
  for (const owner of dead) await forgetOwner(ownersDir, owner)
  if (newEpoch) await services.emit({ type: 'system', action: 'refresh', id: '', name: '', attributes: {} })
}

async function recoverContainers(services: ContainersServices, dead: ReadonlySet<string>, newEpoch: boolean): Promise<void> {
  const unsettled = new Set<string>((await services.live.all('container')).map(({ id }) => id))
  const ownerless: string[] = []
  for await (const page of services.registry.iterate('container')) {
    for (const { id, summary } of page) {
      const { status, ephemeral } = summary as unknown as ContainerSummary
      if (isActive(status)) unsettled.add(id)
      if (ephemeral) {
        const object = await services.registry.get('container', id)
        const owner = (object?.body as { readonly owner?: string } | undefined)?.owner
        if (owner !== undefined && (dead.has(owner) || newEpoch)) ownerless.push(id)
      }
    }
  }
  const gone = new Set(ownerless)
  await eachLimited(
    [...unsettled].filter((id) => !gone.has(id)),
    width,
    (id) => quietly(services, id, () => settleNow(services, id)),
  )
  await eachLimited(ownerless, width, (id) => quietly(services, id, () => removeOwnerless(services, id)))
}

/** One container that cannot be recovered must not keep the engine from opening: it is told of, and the verbs on it fail. */
async function quietly(services: ContainersServices, id: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (isLibpodError(error, 'closed')) throw error
    services.logger.warn(`Recovering container ${id.slice(0, 12)}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Snapshots of containers whose creation was cut off. */
async function recoverMaking(services: ContainersServices, dead: ReadonlySet<string>): Promise<void> {
  for (const { id, body } of await services.live.all<LiveEntries['making']>('making')) {
    if (!dead.has(body.owner)) continue
    if ((await services.registry.get('container', id)) === undefined) await services.snapshots.remove(id)
    await services.live.delete('making', id)
  }
}

/** Files of containers that are not in the store and that nobody is making. */
async function sweepOrphans(services: ContainersServices): Promise<void> {
  const { root, runRoot } = services.places
  const making = new Set((await services.live.all('making')).map(({ id }) => id))
  const isOrphan = async (id: string): Promise<boolean> =>
    id.length === 64 && isIdPrefix(id) && !making.has(id) && (await services.registry.get('container', id)) === undefined
  for await (const { name, state } of services.snapshots.list()) {
    if (state === 'active' && (await isOrphan(name)) && !(await isBeingMade(services, name))) await services.snapshots.remove(name)
  }
  for (const folder of [join(root, 'containers'), join(runRoot, 'containers'), join(runRoot, 'exits')]) {
    for (const id of await readdir(folder).catch(() => [])) {
      if (await isOrphan(id)) await rm(join(folder, id), { recursive: true, force: true })
    }
  }
}

/** Asked again after the store said no: the creator marks first, then makes. */
async function isBeingMade(services: ContainersServices, id: string): Promise<boolean> {
  return (await services.live.get('making', id)) !== undefined || (await services.registry.get('container', id)) !== undefined
}
