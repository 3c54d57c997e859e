import { execFileSync } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Image, ImageProgress } from 'libpod-ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { busyboxRootfs } from '../../examples/busybox.ts'
import { created } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'
import { bytesOf, collect, failure } from '../support/results.ts'

const engine = useEngine()
let place: string
const file = (name: string): string => join(place, name)

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'libpod-ts-'))
  await pipeline(busyboxRootfs(), createWriteStream(file('rootfs.tar')))
  execFileSync('gzip', ['-1k', file('rootfs.tar')])
  execFileSync('zstd', ['-q', '-1', file('rootfs.tar')])
})
afterAll(() => rm(place, { recursive: true, force: true }))

const run = async (name: string): Promise<string> =>
  (await engine.runtime.containers.run({ image: name, command: ['echo', 'runs'], network: 'none' })).stdout

describe('import', () => {
  it('takes paths and streams, plain and compressed, and makes one layer of them', async () => {
    const { images } = engine.runtime
    const made: Image[] = []
    for (const source of ['rootfs.tar', 'rootfs.tar.gz', 'rootfs.tar.zst']) {
      made.push(await images.import(file(source), { tag: 'localhost/from-path' }))
      made.push(await images.import(createReadStream(file(source)), { tag: 'localhost/from-stream' }))
    }
    const inspected = await Promise.all(made.map((one) => one.inspect()))
    expect(new Set(inspected.map(({ layers }) => layers[0]?.diffId)).size).toBe(1)
    expect(inspected.map(({ layers }) => layers[0]?.mediaType.replace(/.*layer\.v1\./, ''))).toEqual([
      'tar',
      'tar',
      'tar+gzip',
      'tar+gzip',
      'tar+zstd',
      'tar+zstd',
    ])
    for (const { names } of inspected.slice(0, -2)) expect(names).toEqual([])
    expect(await run('localhost/from-path')).toBe('runs\n')
    expect(await run(made[2]?.id ?? '')).toBe('runs\n')
    for (const one of made) await one.remove({ force: true, ifExists: true })
  })

  it('keeps what it is told, and tells how far it is', async () => {
    const steps: ImageProgress[] = []
    const made = await engine.runtime.images.import(file('rootfs.tar'), {
      tag: 'mine:2',
      changes: ['CMD ["/bin/sh"]', 'ENV A=1 B="two words"', 'WORKDIR /work', 'USER guest', 'LABEL k=v', 'STOPSIGNAL SIGINT', 'EXPOSE 80'],
      message: 'made by hand',
      onProgress: (progress) => steps.push(progress),
    })
    const info = await made.inspect()
    expect(info).toMatchObject({
      id: made.id,
      names: ['localhost/mine:2'],
      labels: { k: 'v' },
      comment: 'made by hand',
      platform: { os: 'linux' },
      config: {
        user: 'guest',
        env: ['A=1', 'B=two words'],
        command: ['/bin/sh'],
        workdir: '/work',
        stopSignal: 'SIGINT',
        exposedPorts: ['80/tcp'],
      },
      users: [],
    })
    expect(info.sizeBytes).toBeGreaterThan(500_000)
    expect(await made.history()).toEqual(info.history)
    expect(info.history).toMatchObject([{ comment: 'made by hand', layer: { mediaType: expect.stringContaining('tar') } }])
    expect(steps.at(-1)).toMatchObject({ phase: 'done' })
    expect(new Set(steps.map(({ phase }) => phase))).toEqual(new Set(['read', 'extract', 'done']))
    const container = await engine.runtime.containers.create({
      image: 'mine:2',
      command: ['sh', '-c', 'pwd; id -un; echo $A $B'],
      network: 'none',
    })
    await container.start()
    await container.wait()
    expect((await collect(container.logs())).map(({ line }) => line)).toEqual(['/work', 'guest', '1 two words'])
    expect((await made.inspect()).users).toEqual([`container/${container.id}`])
    await made.remove({ force: true })
    expect(await engine.runtime.containers.exists(container.id)).toBe(false)
  })

  it('goes on when the listener throws', async () => {
    const errors: string[] = []
    await using other = await engine.open({ logger: { debug() {}, warn() {}, error: (message: string) => void errors.push(message) } })
    const made = await other.images.import(file('rootfs.tar'), {
      onProgress() {
        throw new Error('mine')
      },
    })
    expect(errors).toHaveLength(1)
    await made.remove()
  })
})

describe('save and load', () => {
  it('give the very same bytes back', async () => {
    const { images } = engine.runtime
    const original = await images.import(file('rootfs.tar.gz'), { tag: 'localhost/trip:1', changes: ['CMD ["sh"]'] })
    const before = await original.inspect()
    await original.save({ path: file('trip.tar') })
    const streamed = await bytesOf(await original.save())
    expect(streamed.equals(await readFile(file('trip.tar')))).toBe(true)
    await original.remove({ force: true })
    expect(await images.exists('localhost/trip:1')).toBe(false)
    const steps: ImageProgress[] = []
    const loaded = await images.load(file('trip.tar'), { onProgress: (progress) => steps.push(progress) })
    expect(await loaded.inspect()).toEqual(before)
    expect(steps.at(-1)?.phase).toBe('done')
    expect(await run('localhost/trip:1')).toBe('runs\n')
    await (await images.get('localhost/trip:1')).save({ path: file('again.tar') })
    expect((await readFile(file('again.tar'))).equals(streamed)).toBe(true)
    expect((await images.load(createReadStream(file('again.tar')))).id).toBe(original.id)
    expect((await readdir(place)).filter((name) => name.startsWith('.'))).toEqual([])
    await loaded.remove({ force: true })
  })

  it('take several images at once', async () => {
    const { images } = engine.runtime
    const one = await images.import(file('rootfs.tar'), { tag: 'localhost/one', changes: ['LABEL n=1'] })
    const two = await images.import(file('rootfs.tar'), { tag: 'localhost/two', changes: ['LABEL n=2'] })
    await images.save(['localhost/one', 'localhost/two'], { path: file('both.tar') })
    for (const made of [one, two]) await made.remove()
    const error = await failure(images.load(file('both.tar')))
    expect(error).toMatchObject({ code: 'ambiguous', details: { candidates: ['localhost/one:latest', 'localhost/two:latest'] } })
    expect(error.hint).toContain('loadAll')
    expect(await images.exists('localhost/one')).toBe(false)
    expect((await images.loadAll(file('both.tar'))).map(({ id }) => id)).toEqual([one.id, two.id])
    for (const made of [one, two]) await made.remove()
  })
})

describe('names', () => {
  it('are added, taken over and taken away', async () => {
    const { images } = engine.runtime
    const first = await images.import(file('rootfs.tar'), { tag: 'localhost/name:1', changes: ['LABEL n=first'] })
    const second = await images.import(file('rootfs.tar'), { changes: ['LABEL n=second'] })
    expect(await first.tag('name:2')).toEqual({ changed: true })
    expect(await first.tag('localhost/name:2')).toEqual({ changed: false })
    expect((await first.inspect()).names).toEqual(['localhost/name:1', 'localhost/name:2'])
    expect(await second.tag('name:2')).toEqual({ changed: true })
    expect((await first.inspect()).names).toEqual(['localhost/name:1'])
    for (const ref of ['name:2', 'localhost/name:2', second.id, `sha256:${second.id}`, second.id.slice(0, 12)])
      expect((await images.get(ref)).id).toBe(second.id)
    const digest = (await second.inspect()).repoDigests[0] ?? ''
    expect((await images.get(digest)).id).toBe(second.id)
    const error = await failure(first.untag('name:2'))
    expect(error).toMatchObject({ code: 'not-found', details: { ref: 'name:2' } })
    expect(await first.untag('name:1')).toEqual({ changed: true })
    expect(await first.untag()).toEqual({ changed: false })
    expect((await images.list({ filters: { dangling: 'true' } })).map(({ id }) => id)).toEqual([first.id])
    expect((await images.prune()).images.map(({ id }) => id)).toEqual([first.id])
    await second.remove()
  })

  it.each(['UPPER', 'a b', '-x', 'x:', 'x@sha256:12', 'a//b', `${'n'.repeat(300)}`, '', 'x:y:z', '../x'])('%j is none', async (name) => {
    const { images } = engine.runtime
    const mine = await images.get(image)
    expect(await failure(mine.tag(name))).toMatchObject({ code: 'invalid-argument', details: { path: 'name' } })
    expect(await failure(images.import(file('rootfs.tar'), { tag: name }))).toMatchObject({
      code: 'invalid-argument',
      details: { path: 'tag' },
    })
    expect((await mine.inspect()).names).toEqual([image])
  })
})

it.each([[undefined], [5n], ['']])('the id %s is none', async (id) => {
  const ref = engine.runtime.images.ref(id as never)
  expect(await failure(ref.inspect())).toMatchObject({ code: 'invalid-argument', details: { path: 'id' } })
})

describe('list', () => {
  it('shows summaries, the newest first, and filters them', async () => {
    const { images } = engine.runtime
    const older = await images.get(image)
    const newer = await images.import(file('rootfs.tar'), { tag: 'localhost/list/newer:1', changes: ['LABEL app=web tier=front'] })
    const list = async (filters?: Parameters<typeof images.list>[0]): Promise<string[]> =>
      (await images.list(filters)).map(({ id }) => (id === newer.id ? 'newer' : id === older.id ? 'older' : id))
    expect(await list()).toEqual(['newer', 'older'])
    expect((await collect(images.iterate())).map(({ id }) => id)).toEqual([newer.id, older.id].sort())
    const container = await created(engine, ['true'])
    const { digest } = await newer.inspect()
    const cases: [NonNullable<Parameters<typeof images.list>[0]>['filters'], string[]][] = [
      [{ reference: 'localhost/list/*' }, ['newer']],
      [{ reference: 'busybox' }, ['older']],
      [{ label: 'app=web' }, ['newer']],
      [{ label: ['app=web', 'tier=back'] }, []],
      [{ 'label!': 'app' }, ['older']],
      [{ dangling: 'false' }, ['newer', 'older']],
      [{ id: newer.id.slice(0, 10) }, ['newer']],
      [{ digest }, ['newer']],
      [{ before: 'localhost/list/newer:1' }, ['older']],
      [{ since: image }, ['newer']],
      [{ after: image }, ['newer']],
      [{ containers: 'true' }, ['older']],
      [{ containers: 'false' }, ['newer']],
      [{ until: '1h' }, []],
    ]
    for (const [filters, expected] of cases) expect([filters, await list({ filters })]).toEqual([filters, expected])
    for (const [filters, path] of [
      [{ colour: 'red' }, 'filters.colour'],
      [{ dangling: 'maybe' }, 'filters.dangling'],
      [{ until: 'x' }, 'filters.until'],
    ] as const)
      expect(await failure(images.list({ filters: filters as never }))).toMatchObject({ code: 'invalid-argument', details: { path } })
    expect((await failure(images.list({ filters: { before: 'nothing' } }))).code).toBe('not-found')
    await container.remove()
    await newer.remove()
  })
})

describe('remove', () => {
  it('refuses what is in use, and says by whom', async () => {
    const { images, containers } = engine.runtime
    const made = await images.import(file('rootfs.tar'), { tag: 'localhost/used', changes: ['LABEL used=1'] })
    const container = await containers.create({ image: 'localhost/used', command: ['sleep', '600'], network: 'none' })
    await container.start()
    const error = await failure(made.remove())
    expect(error).toMatchObject({ code: 'in-use', details: { kind: 'image', users: [`container/${container.id}`] } })
    expect(error.hint).toContain('force')
    expect((await images.prune({ all: true, filters: { label: 'used' } })).images).toEqual([])
    await made.tag('localhost/more')
    await container.remove({ force: true })
    expect(await failure(made.remove())).toMatchObject({
      code: 'in-use',
      details: { users: ['name/localhost/used:latest', 'name/localhost/more:latest'] },
    })
    expect(await made.remove({ force: true })).toEqual({ changed: true })
    expect(await made.remove({ ifExists: true })).toEqual({ changed: false })
    expect(await failure(made.remove())).toMatchObject({ code: 'not-found', details: { kind: 'image', ref: made.id } })
    for (const verb of [
      () => made.inspect(),
      () => made.history(),
      () => made.tag('x'),
      () => made.untag(),
      () => made.save({ path: file('no.tar') }),
    ])
      expect((await failure(verb())).code).toBe('not-found')
    expect(await readdir(place)).not.toContain('no.tar')
  })

  it('with force takes running containers along', async () => {
    const { images, containers } = engine.runtime
    const made = await images.import(file('rootfs.tar'), { tag: 'localhost/forced' })
    const users = await Promise.all(
      [1, 2, 3].map(() => containers.create({ image: 'localhost/forced', command: ['sleep', '600'], network: 'none' })),
    )
    await users[0]?.start()
    expect(await made.remove({ force: true })).toEqual({ changed: true })
    for (const { id } of users) expect(await containers.exists(id)).toBe(false)
  })
})
