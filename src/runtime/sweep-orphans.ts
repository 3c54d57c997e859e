import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isLibpodError } from '../base/errors.ts'
import { isIdPrefix } from '../base/ids.ts'
import { goneSuffix } from '../containers/places.ts'
import type { ContainersServices } from '../containers/services.ts'

/** Removes what is left of containers that are not in the store and that nobody is making. */
export async function sweepOrphans(services: ContainersServices, locksDir: string): Promise<void> {
  const { live, locks, snapshots } = services
  const { root, runRoot } = services.places
  const isOrphan = async (id: string): Promise<boolean> => id.length === 64 && isIdPrefix(id) && !(await isThere(services, id))
  for await (const { name, state } of snapshots.list()) if (state === 'active' && (await isOrphan(name))) await snapshots.remove(name)
  for (const folder of [join(root, 'containers'), join(runRoot, 'containers'), join(runRoot, 'exits')]) {
    for (const id of await readdir(folder).catch(() => [])) {
      if (id.endsWith(goneSuffix) || (await isOrphan(id)))
        await rm(join(folder, id), { recursive: true, force: true, maxRetries: 5, retryDelay: 20 })
    }
  }
  for (const kind of ['container', 'restart'] as const)
    for (const { id } of await live.all(kind)) if (await isOrphan(id)) await live.delete(kind, id)
  for (const file of await readdir(locksDir).catch(() => [])) {
    const id = /^container%2F([0-9a-f]{64})\.lock$/.exec(file)?.[1]
    if (id !== undefined && (await isOrphan(id))) await dropLock(locks, id)
  }
}

/** The creator marks first, then makes, then writes the record, then takes its mark away: asked in this order, none is overlooked. */
async function isThere({ live, registry }: ContainersServices, id: string): Promise<boolean> {
  return (await live.get('making', id)) !== undefined || (await registry.get('container', id)) !== undefined
}

/** Who holds it now removes it by itself. */
async function dropLock(locks: ContainersServices['locks'], id: string): Promise<void> {
  try {
    const release = await locks.acquire(`container/${id}`, { wait: false })
    await release({ remove: true })
  } catch (error) {
    if (!isLibpodError(error, 'conflict')) throw error
  }
}
