import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isLibpodError } from '../base/errors.ts'
import { isIdPrefix } from '../base/ids.ts'
import { sleep } from '../base/time.ts'
import { containerOfSnapshot } from '../containers/mounts/plan-images.ts'
import { goneSuffix } from '../containers/places.ts'
import type { ContainersServices } from '../containers/services.ts'

/** How often, and how long apart, it is looked whether somebody is still at a container without a record. */
const looks = 50
const pauseMs = 10

/**
 * Removes what is left of containers that are not in the store and that nobody is making. Tells whether all could be decided: somebody who
 * is at one of them may be killed, too.
 */
export async function sweepOrphans(services: ContainersServices, locksDir: string): Promise<boolean> {
  const { live, locks, snapshots } = services
  const { root, runRoot } = services.places
  const doubtful = new Set<string>()
  const isOrphan = async (id: string): Promise<boolean> => {
    if (id.length !== 64 || !isIdPrefix(id) || doubtful.has(id)) return false
    const found = await look(services, id)
    if (found === 'doubtful') doubtful.add(id)
    return found === 'orphan'
  }
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
  return doubtful.size === 0
}

/**
 * Whoever makes a container holds its lock from before there is anything of it until its record is there: asked in this order, none is
 * overlooked. Who removes one holds it, too, and may be in the middle of it.
 */
async function look({ locks, registry }: ContainersServices, id: string): Promise<'there' | 'orphan' | 'doubtful'> {
  const hasRecord = async (): Promise<boolean> => (await registry.get('container', id)) !== undefined
  for (let times = 1; times <= looks; times++) {
    if (await hasRecord()) return 'there'
    if (await dropLock(locks, `container/${id}`)) return (await hasRecord()) ? 'there' : 'orphan'
    await sleep(pauseMs)
  }
  return 'doubtful'
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
