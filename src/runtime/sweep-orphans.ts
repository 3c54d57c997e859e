import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isLibpodError } from '../base/errors.ts'
import { isIdPrefix } from '../base/ids.ts'
import { containerOfSnapshot } from '../containers/mounts/plan-images.ts'
import { goneSuffix } from '../containers/places.ts'
import type { ContainersServices } from '../containers/services.ts'

/** Removes what is left of containers that are not in the store and that nobody is making. */
export async function sweepOrphans(services: ContainersServices, locksDir: string): Promise<void> {
  const { live, locks, snapshots } = services
  const { root, runRoot } = services.places
  const isOrphan = async (id: string): Promise<boolean> => id.length === 64 && isIdPrefix(id) && !(await isThere(services, id))
  for await (const { name, state } of snapshots.list()) {
    const id = containerOfSnapshot(name)
    if (state === 'active' && id !== undefined && (await isOrphan(id))) await snapshots.remove(name)
  }
  for (const folder of [join(root, 'containers'), join(runRoot, 'containers'), join(runRoot, 'exits')]) {
    for (const id of await readdir(folder).catch(() => [])) {
      if (id.endsWith(goneSuffix) || (await isOrphan(id)))
        await rm(join(folder, id), { recursive: true, force: true, maxRetries: 5, retryDelay: 20 })
    }
  }
  for (const kind of ['container', 'restart', 'volumes'] as const)
    for (const { id } of await live.all(kind)) if (await isOrphan(id)) await live.delete(kind, id)
  for (const file of await readdir(locksDir).catch(() => [])) {
    const [, kind, id] = /^(container|volume)%2F([^%]+)\.lock$/.exec(file) ?? []
    if (id === undefined) continue
    const isLeft = kind === 'container' ? await isOrphan(id) : (await services.registry.get('volume', id)) === undefined
    if (isLeft) await dropLock(locks, `${kind}/${id}`)
  }
}

/** Whoever makes one holds its lock from before there is anything of it until its record is there: asked in this order, none is overlooked. */
async function isThere({ locks, registry }: ContainersServices, id: string): Promise<boolean> {
  const hasRecord = async (): Promise<boolean> => (await registry.get('container', id)) !== undefined
  if (await hasRecord()) return true
  return !(await dropLock(locks, `container/${id}`)) || (await hasRecord())
}

/** Removes a lock that nobody holds; who holds it now does that himself. */
async function dropLock(locks: ContainersServices['locks'], key: string): Promise<boolean> {
  try {
    const release = await locks.acquire(key, { wait: false })
    await release({ remove: true })
    return true
  } catch (error) {
    if (isLibpodError(error, 'conflict')) return false
    throw error
  }
}
