// The other processes of the test of collecting: they load and import images that share layers, or collect.
import { copyFileSync, createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Closer } from '../base/closer.ts'
import { digestOf, splitDigest } from '../base/digest.ts'
import { newId } from '../base/ids.ts'
import { silentLogger } from '../base/logger.ts'
import { defaultRegistriesConf } from '../config/registries-conf.ts'
import { importImage } from '../images/import.ts'
import { loadOneImage } from '../images/load.ts'
import type { ImagesServices } from '../images/services.ts'
import { createFlockManager } from '../locks/flock.ts'
import { createOwner } from '../locks/owners.ts'
import { Registry } from '../state/registry.ts'
import { openLmdbStore } from '../state/stores/lmdb.ts'
import { openContentStore } from './content/local-content-store.ts'
import { type CollectorParts, collectGarbage } from './gc.ts'
import type { ImageRecord } from './image-store.ts'
import { imageKind } from './images/image-kind.ts'
import { openImageStore } from './images/local-image-store.ts'
import { Leases } from './leases.ts'
import { openOverlaySnapshotter } from './snapshots/overlay/overlay-snapshotter.ts'
import { directTreeWork } from './test-support/direct-tree-work.ts'

const [job = '', directory = '', rounds = '0'] = process.argv.slice(2)

const owners = `${directory}/owners`
const owner = await createOwner(owners)
const state = await openLmdbStore({ path: `${directory}/state.mdb` })
const live = await openLmdbStore({ path: `${directory}/live.mdb`, durable: false })
const registry = new Registry(state, { kinds: [imageKind] })
const content = await openContentStore({ root: `${directory}/content` })
const snapshots = openOverlaySnapshotter({ root: `${directory}/snapshots`, work: directTreeWork })
const leases = new Leases({ store: live, owners, owner: owner.id })
const parts: CollectorParts = { content, snapshots, registry, leases }
const services: ImagesServices = {
  store: openImageStore({ registry, content, snapshots }),
  leases,
  // What matters here is that it is there whole: the tarball itself is the only file of a layer.
  async extractLayer({ path, target, growing }) {
    if (growing) for await (const _ of growing);
    copyFileSync(path, `${target.path}/layer`)
    await sleep(Math.random() * 3)
    const bytes = readFileSync(path)
    return { diffId: digestOf(bytes), sizeBytes: bytes.length, warnings: [] }
  },
  transports: new Map(),
  registries: async () => defaultRegistriesConf,
  locks: createFlockManager({ directory: `${directory}/locks` }),
  logger: silentLogger,
  closer: new Closer('runtime'),
  probe: undefined,
  emit: async () => {},
  usersOf: async () => [],
  garbage() {},
  platform: { os: 'linux', architecture: 'amd64' },
}

function layerFiles(): string[] {
  return readdirSync(`${directory}/layers`).map((name) => `${directory}/layers/${name}`)
}

/** Any two or three of the layers, in any order, under a configuration of its own. */
async function load(): Promise<ImageRecord> {
  const place = `${directory}/layout-${newId()}`
  mkdirSync(`${place}/blobs/sha256`, { recursive: true })
  const put = (data: Buffer | object): { digest: string; size: number } => {
    const bytes = Buffer.isBuffer(data) ? data : Buffer.from(JSON.stringify(data))
    const digest = digestOf(bytes)
    writeFileSync(`${place}/blobs/sha256/${splitDigest(digest).hex}`, bytes)
    return { digest, size: bytes.length }
  }
  const layers = layerFiles()
    .sort(() => Math.random() - 0.5)
    .slice(0, 2 + Math.round(Math.random()))
    .map((path) => put(readFileSync(path)))
  const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) }
  const config = put({ os: 'linux', architecture: 'amd64', created: '2024-01-01T00:00:00Z', author: newId(), rootfs })
  const manifest = put({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: layers.map((layer) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layer })),
  })
  const descriptor = { mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest }
  writeFileSync(`${place}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: [descriptor] }))
  writeFileSync(`${place}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}')
  try {
    return await loadOneImage(services, place)
  } finally {
    rmSync(place, { recursive: true })
  }
}

function importOne(): Promise<ImageRecord> {
  const files = layerFiles()
  return importImage(services, createReadStream(files[Math.floor(Math.random() * files.length)] ?? ''), { message: newId() })
}

/** Reads everything that the record promises. */
async function assertWhole({ id, manifest, config, layers }: ImageRecord): Promise<void> {
  const digests = [manifest.digest, config.digest, ...layers.map(({ digest }) => digest)]
  for (const digest of digests) {
    const { path } = await content.open(digest)
    if (digestOf(readFileSync(path)) !== digest) throw new Error(`Image ${id}: blob ${digest} is not whole.`)
  }
  for (const { chainId, diffId } of layers) {
    if ((await snapshots.stat(chainId))?.state !== 'committed') throw new Error(`Image ${id}: there is no snapshot ${chainId}.`)
    const [top = ''] = await snapshots.layers(chainId)
    if (digestOf(readFileSync(`${top}/layer`)) !== diffId) throw new Error(`Image ${id}: snapshot ${chainId} is not whole.`)
  }
}

async function importAndRemove(): Promise<void> {
  for (let round = 0; round < Number(rounds); round++) {
    const record = round % 2 === 0 ? await load() : await importOne()
    for (let look = 0; look < 2; look++) {
      await assertWhole(record)
      await sleep(Math.random() * 5)
    }
    await services.store.remove(record.id)
  }
}

async function collect(): Promise<{ blobs: number; snapshots: number; ingests: number }> {
  const sum = { blobs: 0, snapshots: 0, ingests: 0 }
  for (let over = false; !over; ) {
    over = existsSync(`${directory}/stop`)
    const report = await collectGarbage(parts)
    for (const what of ['blobs', 'snapshots', 'ingests'] as const) sum[what] += report[what]
    await sleep(Math.random() * 3)
  }
  return sum
}

process.stdout.write('started\n')
const result = job === 'collect' ? await collect() : await importAndRemove()
await snapshots.settled()
await state.close()
await live.close()
owner.release()
process.stdout.write(`${JSON.stringify(result ?? null)}\n`)
