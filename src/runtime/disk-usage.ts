import { eachLimited } from '../base/each-limited.ts'
import { iterateContainers } from '../containers/list.ts'
import { isActive } from '../containers/status.ts'
import type { ImageRecord } from '../storage/image-store.ts'
import { listVolumes } from '../volumes/list.ts'
import { sizeOf } from '../volumes/prune.ts'
import { volumeKind } from '../volumes/record.ts'
import type { Engine } from './engine.ts'

/** How much of the disk an engine takes: {@link Runtime.diskUsage}. @public */
export interface DiskUsage {
  readonly images: {
    readonly total: number
    /** How many of them containers use. */
    readonly active: number
    /** Extracted layers, each once. */
    readonly layersBytes: number
    /** The blobs as they came, kept so that they can be saved and pushed byte for byte. */
    readonly blobsBytes: number
    /** Layers of images that no container uses. */
    readonly reclaimableBytes: number
  }
  readonly containers: {
    readonly total: number
    readonly active: number
    /** What containers have written to their root file systems. */
    readonly sizeBytes: number
    readonly reclaimableBytes: number
  }
  readonly volumes: {
    readonly total: number
    /** How many of them containers use, running or not. */
    readonly active: number
    readonly sizeBytes: number
    readonly reclaimableBytes: number
  }
}

/** How many trees are measured together: it is the disk that is slow. */
const width = 2

/** Adds up what is there. Containers that go meanwhile count nothing. */
export async function diskUsage(engine: Engine): Promise<DiskUsage> {
  engine.closer.check()
  return { images: await imageUsage(engine), containers: await containerUsage(engine), volumes: await volumeUsage(engine) }
}

async function imageUsage({ images: { store, usersOf } }: Engine): Promise<DiskUsage['images']> {
  const layers = new Map<string, { readonly used: boolean }>()
  let total = 0
  let active = 0
  for (let after: string | undefined; ; ) {
    const page: ImageRecord[] = await store.list({ limit: 100, ...(after === undefined ? {} : { after }) })
    for (const record of page) {
      const used = (await usersOf(record.id)).length > 0
      total++
      if (used) active++
      for (const { chainId } of record.layers) layers.set(chainId, { used: used || (layers.get(chainId)?.used ?? false) })
    }
    after = page.at(-1)?.id
    if (page.length < 100) break
  }
  let layersBytes = 0
  let reclaimableBytes = 0
  await eachLimited(layers, width, async ([chainId, { used }]) => {
    if ((await store.snapshots.stat(chainId)) === undefined) return
    const { sizeBytes } = await store.snapshots.usage(chainId)
    layersBytes += sizeBytes
    if (!used) reclaimableBytes += sizeBytes
  })
  let blobsBytes = 0
  for await (const { sizeBytes } of store.content.list()) blobsBytes += sizeBytes
  return { total, active, layersBytes, blobsBytes, reclaimableBytes }
}

async function containerUsage({ containers: services }: Engine): Promise<DiskUsage['containers']> {
  const usage = { total: 0, active: 0, sizeBytes: 0, reclaimableBytes: 0 }
  const found: { readonly id: string; readonly active: boolean }[] = []
  for await (const { id, status } of iterateContainers(services)) found.push({ id, active: isActive(status) })
  await eachLimited(found, width, async ({ id, active }) => {
    usage.total++
    if (active) usage.active++
    if ((await services.snapshots.stat(id)) === undefined) return
    const { sizeBytes } = await services.snapshots.usage(id)
    usage.sizeBytes += sizeBytes
    if (!active) usage.reclaimableBytes += sizeBytes
  })
  return usage
}

async function volumeUsage({ containers: { volumes: services, registry } }: Engine): Promise<DiskUsage['volumes']> {
  const usage = { total: 0, active: 0, sizeBytes: 0, reclaimableBytes: 0 }
  await eachLimited(await listVolumes(services), width, async ({ name, driver }) => {
    const used = (await registry.users(volumeKind.kind, name)).length > 0
    const sizeBytes = services.drivers.has(driver) ? await sizeOf(services, name, {}) : 0
    usage.total++
    usage.sizeBytes += sizeBytes
    if (used) usage.active++
    else usage.reclaimableBytes += sizeBytes
  })
  return usage
}
