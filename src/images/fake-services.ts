import { spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Closer } from '../base/closer.ts'
import { crypto } from '../base/crypto.ts'
import { digestOf } from '../base/digest.ts'
import { LibpodError } from '../base/errors.ts'
import { silentLogger } from '../base/logger.ts'
import type { Probe } from '../base/steps.ts'
import { defaultRegistriesConf } from '../config/registries-conf.ts'
import type { EventDraft } from '../events/event.ts'
import { openContentStore } from '../storage/content/local-content-store.ts'
import type { BlobInfo, ContentStore } from '../storage/content-store.ts'
import type { ImageRecord, ImageStore } from '../storage/image-store.ts'
import type { SnapshotInfo, Snapshotter } from '../storage/snapshotter.ts'
import type { ExtractedLayer, ImageLease, ImagesServices, LayerToExtract } from './services.ts'

/** The contracts below this room, as small as tests can bear: files in a directory, records in memory, tar(1) for extraction. */
export interface FakeImages extends ImagesServices {
  readonly events: EventDraft[]
  /** Who uses an image. */
  readonly users: Map<string, string[]>
  readonly warnings: string[]
  /** What the leases that are held now name. */
  leased(): ReadonlySet<string>
  /** Everything on disk that no record and no lease accounts for, committed blobs left out. */
  leftovers(): Promise<string[]>
  /** How many layers were extracted. */
  extractions: number
  probe: Probe | undefined
}

/** Makes them in an empty directory. */
export async function fakeImages(directory: string): Promise<FakeImages> {
  const leases = new Set<Set<string>>()
  const leased = (): ReadonlySet<string> => new Set([...leases].flatMap((lease) => [...lease]))
  const users = new Map<string, string[]>()
  const events: EventDraft[] = []
  const warnings: string[] = []
  const snapshots = await fakeSnapshots(join(directory, 'snapshots'), leased)
  const content = await leasedContent(join(directory, 'content'), leased)
  const queues = new Map<string, Promise<void>>()
  const services: FakeImages = {
    events,
    users,
    warnings,
    extractions: 0,
    probe: undefined,
    leased,
    async leftovers() {
      const ingests = await readdir(join(directory, 'content/ingest'))
      const sizes = await Promise.all(
        ingests.map(async (name) => ((await stat(join(directory, 'content/ingest', name))).size > 0 ? [name] : [])),
      )
      const active: string[] = []
      for await (const { name, state } of snapshots.list()) if (state === 'active') active.push(name)
      return [...sizes.flat(), ...active, ...leased()]
    },
    store: fakeStore(content, snapshots, users),
    leases: {
      async with(work) {
        const held = new Set<string>()
        leases.add(held)
        const lease: ImageLease = {
          async add({ digests = [], snapshots: names = [] }) {
            for (const name of [...digests, ...names]) held.add(name)
          },
        }
        try {
          return await work(lease)
        } finally {
          leases.delete(held)
        }
      },
    },
    async extractLayer(layer, { signal } = {}) {
      services.extractions++
      return extract(layer, signal)
    },
    transports: new Map(),
    registries: async () => defaultRegistriesConf,
    locks: {
      async acquire(key) {
        const before = queues.get(key) ?? Promise.resolve()
        let free = (): void => {}
        queues.set(
          key,
          before.then(() => new Promise<void>((done) => (free = done))),
        )
        await before
        return async () => free()
      },
      async close() {},
    },
    logger: { ...silentLogger, warn: (message) => void warnings.push(message), error: (message) => void warnings.push(message) },
    closer: new Closer('runtime'),
    async emit(event) {
      events.push(event)
    },
    usersOf: async (id) => users.get(id) ?? [],
    garbage() {},
    platform: { os: 'linux', architecture: 'amd64' },
  }
  return services
}

/** As the helper does it: follows the growing file to its end, then says what it was. */
async function extract(
  { path, mediaType, target, growing, diffId }: LayerToExtract,
  signal: AbortSignal | undefined,
): Promise<ExtractedLayer> {
  let size = 0
  if (growing) for await (const available of growing) size = available
  signal?.throwIfAborted()
  const blob = await readFile(path)
  if (growing && blob.length !== size)
    throw new LibpodError('internal', `${size} bytes were announced, ${blob.length} are there.`, { what: path })
  const tar = decompress(blob, mediaType)
  const actual = digestOf(tar)
  if (diffId !== undefined && diffId !== actual) throw new LibpodError('corrupt', `The layer is ${actual}, not ${diffId}.`, { what: path })
  const { status, stderr } = spawnSync('tar', ['-x', '-C', target.path], { input: tar })
  if (status !== 0) throw new LibpodError('corrupt', `The layer is no tarball: ${stderr}`, { what: path })
  return { diffId: actual, sizeBytes: tar.length, warnings: [] }
}

function decompress(blob: Buffer, mediaType: string): Buffer {
  try {
    if (mediaType.endsWith('gzip')) return gunzipSync(blob)
  } catch (error) {
    throw new LibpodError('corrupt', 'The layer is cut off.', { what: 'layer' }, { cause: error })
  }
  return mediaType.endsWith('zstd') ? spawnSync('zstd', ['-dc'], { input: blob, maxBuffer: 1 << 30 }).stdout : blob
}

/** The real store, that a blob may appear in only under a lease. */
async function leasedContent(root: string, leased: () => ReadonlySet<string>): Promise<ContentStore> {
  const content = await openContentStore({ root })
  return {
    ...content,
    async ingest(options) {
      const ingest = await content.ingest(options)
      const commit = async (): Promise<BlobInfo> => {
        const blob = await ingest.commit()
        if (!leased().has(blob.digest))
          throw new LibpodError('internal', `${blob.digest} appears without a lease.`, { what: options.reference })
        return blob
      }
      return new Proxy(ingest, {
        get: (_, name) => {
          if (name === 'commit') return commit
          const value: unknown = Reflect.get(ingest, name)
          return typeof value === 'function' ? value.bind(ingest) : value
        },
      })
    },
  }
}

async function fakeSnapshots(directory: string, leased: () => ReadonlySet<string>): Promise<Snapshotter> {
  await mkdir(directory, { recursive: true })
  const all = new Map<string, SnapshotInfo>()
  const pathOf = (name: string): string => join(directory, crypto().createHash('sha256').update(name).digest('hex'))
  return {
    driver: 'fake',
    stat: async (name) => all.get(name),
    async prepare(name, { parent } = {}) {
      if (!leased().has(name)) throw new LibpodError('internal', `${name} appears without a lease.`, { what: name })
      if (all.has(name)) throw new LibpodError('already-exists', `There is a snapshot ${name}.`, { kind: 'snapshot', name })
      if (parent !== undefined && all.get(parent)?.state !== 'committed')
        throw new LibpodError('not-found', `There is no ${parent}.`, { kind: 'snapshot', ref: parent })
      await mkdir(pathOf(name))
      all.set(name, { name, state: 'active', createdAt: new Date(), ...(parent === undefined ? {} : { parent }) })
    },
    mounts: async () => [],
    async layers(name) {
      const layers: string[] = []
      for (let current: string | undefined = name; current !== undefined; current = all.get(current)?.parent) layers.push(pathOf(current))
      return layers
    },
    extractTarget: async (name) => ({ path: pathOf(name), whiteouts: 'overlay' }),
    async commit(name, active) {
      const info = all.get(active)
      if (info === undefined) throw new LibpodError('not-found', `There is no snapshot ${active}.`, { kind: 'snapshot', ref: active })
      if (!leased().has(name)) throw new LibpodError('internal', `${name} appears without a lease.`, { what: name })
      all.delete(active)
      if (all.has(name)) return rm(pathOf(active), { recursive: true })
      await rename(pathOf(active), pathOf(name))
      all.set(name, { ...info, name, state: 'committed' })
    },
    async remove(name) {
      all.delete(name)
      await rm(pathOf(name), { recursive: true, force: true })
    },
    async *list() {
      yield* all.values()
    },
    usage: async (name) => ({ sizeBytes: (await readdir(pathOf(name), { recursive: true })).length, inodes: 1 }),
  }
}

function fakeStore(content: ContentStore, snapshots: Snapshotter, users: ReadonlyMap<string, readonly string[]>): ImageStore {
  const records = new Map<string, ImageRecord>()
  let version = 0
  const check = (id: string, expect: string | undefined): void => {
    if (expect !== undefined && expect !== (records.get(id)?.version ?? 'absent'))
      throw new LibpodError('conflict', `Image ${id} changed.`, { what: id })
  }
  return {
    content,
    snapshots,
    async get(by) {
      return 'id' in by ? records.get(by.id) : [...records.values()].find(({ names }) => names.includes(by.name))
    },
    async list({ after = '', limit = 1_000 } = {}) {
      const sorted = [...records.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
      return sorted.filter(({ id }) => id > after).slice(0, limit)
    },
    async put(record, { expect } = {}) {
      check(record.id, expect)
      for (const other of records.values()) {
        const names = other.names.filter((name) => !record.names.includes(name))
        if (other.id !== record.id && names.length < other.names.length) records.set(other.id, { ...other, names, version: `${++version}` })
      }
      const written = { ...record, version: `${++version}` }
      records.set(record.id, written)
      return written
    },
    async remove(id, { expect } = {}) {
      if (!records.has(id)) throw new LibpodError('not-found', `There is no image ${id}.`, { kind: 'image', ref: id })
      check(id, expect)
      const using = users.get(id) ?? []
      if (using.length > 0) throw new LibpodError('in-use', `Image ${id} is used.`, { kind: 'image', ref: id, users: using })
      records.delete(id)
    },
    async close() {},
  }
}

/** Writes what a test damaged. */
export async function overwrite(path: string, change: (data: Buffer) => Buffer): Promise<void> {
  await writeFile(path, change(await readFile(path)))
}
