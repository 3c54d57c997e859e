import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Container, isLibpodError } from 'libpod-ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { busyboxRootfs } from '../../examples/busybox.ts'
import { created, sh, started } from '../support/containers.ts'
import { failingLogger, image, useEngine } from '../support/engine.ts'
import { type Footprint, footprint } from '../support/footprint.ts'
import { collect } from '../support/results.ts'

/** A helper that hangs in what nobody wants any more is ended, and what else it did is left to the collector: that is told. */
const engine = useEngine({ logger: { debug() {}, warn() {}, error: failingLogger.error } })
let place: string
let before: Footprint

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'libpod-ts-'))
  await pipeline(busyboxRootfs(), createWriteStream(join(place, 'rootfs.tar')))
  await (await engine.runtime.images.get(image)).save({ path: join(place, 'image.tar') })
  await engine.runtime.prune()
  before = await footprint(engine)
})
afterAll(() => rm(place, { recursive: true, force: true }))

interface Subject {
  readonly container: Container
  readonly signal: AbortSignal
}

interface Verb {
  /** Makes what the verb is about. */
  make?(): Promise<Container>
  call(subject: Subject): Promise<unknown>
}

const options = { image, command: ['sleep', '600'], network: 'none' } as const
const running = (): Promise<Container> => started(engine, ['sleep', '600'])
const idle = (): Promise<Container> => created(engine, ['sleep', '600'])

const verbs: Readonly<Record<string, Verb>> = {
  create: { call: ({ signal }) => engine.runtime.containers.create({ ...options, signal }) },
  run: { call: ({ signal }) => engine.runtime.containers.run({ ...options, signal }) },
  'run with input': {
    call: ({ signal }) => engine.runtime.containers.run({ ...options, command: ['cat'], input: Buffer.alloc(50_000_000), signal }),
  },
  ephemeral: { call: ({ signal }) => engine.runtime.containers.ephemeral({ ...options, signal }) },
  init: { make: idle, call: ({ container, signal }) => container.init({ signal }) },
  start: { make: idle, call: ({ container, signal }) => container.start({ signal }) },
  stop: { make: running, call: ({ container, signal }) => container.stop({ timeoutMs: 60_000, signal }) },
  restart: { make: running, call: ({ container, signal }) => container.restart({ timeoutMs: 60_000, signal }) },
  kill: { make: running, call: ({ container, signal }) => container.kill('SIGWINCH', { signal }) },
  pause: { make: running, call: ({ container, signal }) => container.pause({ signal }) },
  remove: { make: idle, call: ({ container, signal }) => container.remove({ signal }) },
  'remove with force': { make: running, call: ({ container, signal }) => container.remove({ force: true, signal }) },
  wait: { make: running, call: ({ container, signal }) => container.wait({ signal }) },
  waitUntil: { make: running, call: ({ container, signal }) => container.waitUntil({ log: 'never' }, { signal }) },
  exec: { make: running, call: ({ container, signal }) => container.exec(['sleep', '31415'], { signal }) },
  'exec with input': {
    make: running,
    call: ({ container, signal }) => container.exec(['cat'], { input: Buffer.alloc(50_000_000), signal }),
  },
  spawn: { make: running, call: async ({ container, signal }) => (await container.spawn(['sleep', '31415'], { signal })).wait() },
  'spawn with a terminal': {
    make: running,
    call: async ({ container, signal }) => (await container.spawn(['sleep', '31415'], { tty: true, signal })).wait(),
  },
  top: { make: running, call: ({ container, signal }) => container.top({ signal }) },
  logs: { make: running, call: ({ container, signal }) => collect(container.logs({ follow: true, signal })) },
  stats: { make: running, call: ({ container, signal }) => collect(container.stats({ intervalMs: 5, signal })) },
  events: { call: ({ signal }) => collect(engine.runtime.events({ signal })) },
  list: { call: ({ signal }) => engine.runtime.containers.list({ signal }) },
  prune: { make: idle, call: ({ signal }) => engine.runtime.containers.prune({ signal }) },
  import: { call: ({ signal }) => engine.runtime.images.import(join(place, 'rootfs.tar'), { signal }) },
  'import of a stream': { call: ({ signal }) => engine.runtime.images.import(createReadStream(join(place, 'rootfs.tar')), { signal }) },
  load: { call: ({ signal }) => engine.runtime.images.load(join(place, 'image.tar'), { signal }) },
  save: { call: async ({ signal }) => (await engine.runtime.images.get(image)).save({ path: join(place, 'saved.tar'), signal }) },
}

/** Everything goes, and what is left must be what was there at first. */
async function cleanUp(): Promise<void> {
  for (const { id, status, ephemeral } of await engine.runtime.containers.list()) {
    expect([ephemeral, status]).toEqual([false, status])
    await engine.runtime.containers.ref(id).remove({ force: true })
  }
  await rm(join(place, 'saved.tar'), { force: true })
  expect((await readdir(place)).sort()).toEqual(['image.tar', 'rootfs.tar'])
  await engine.runtime.prune()
  // Folders of what is removed go in the background.
  await expect.poll(() => footprint(engine), { timeout: 10_000 }).toEqual(before)
}

describe.each(Object.entries(verbs))('%s', (_name, { make, call }) => {
  it('is not begun when it is aborted already, and rejects with the reason', async () => {
    const container = (await make?.()) ?? engine.runtime.containers.ref('0'.repeat(64))
    const status = make && (await container.inspect()).status
    for (const reason of [new Error('no'), 'a text'])
      await expect(call({ container, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    if (make) expect((await container.inspect()).status).toBe(status)
    await cleanUp()
  })

  it('aborted at any point it rejects with the reason or is done, and leaves only what is listed', async () => {
    for (const ms of [0, 1, 2, 5, 10, 20, 50]) {
      const container = (await make?.()) ?? engine.runtime.containers.ref('0'.repeat(64))
      const abort = new AbortController()
      const reason = new Error(`after ${ms} ms`)
      const timer = setTimeout(() => abort.abort(reason), ms)
      const error: unknown = await call({ container, signal: abort.signal }).then(
        () => undefined,
        (given: unknown) => given,
      )
      clearTimeout(timer)
      if (error !== undefined) expect(error).toBe(reason)
      if (make && (await engine.runtime.containers.exists(container.id)) && (await container.inspect()).status === 'running') {
        // One that is just killed may end meanwhile.
        const { processes } = await container.top({ fields: ['args'] }).catch((error: unknown) => {
          if (isLibpodError(error, 'invalid-state')) return { processes: [] }
          throw error
        })
        expect(processes.filter(([args = '']) => args === 'sleep 31415' || args === 'cat')).toEqual([])
      }
      for (const { id, ephemeral } of await engine.runtime.containers.list())
        if (ephemeral || make) await engine.runtime.containers.ref(id).remove({ force: true, ifExists: true })
    }
    await cleanUp()
  })
})

it('an exec that is over time leaves no process behind', async () => {
  const container = await running()
  const { timedOut } = await container.exec(sh('sleep 27182 & sleep 27182'), { timeoutMs: 100 })
  expect(timedOut).toBe(true)
  await expect.poll(async () => (await container.top()).processes.length).toBeLessThanOrEqual(2)
  await container.remove({ force: true })
})
