import { chown, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Container, ContainerMount, CreateContainerOptions } from 'libpod-ts'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { created, sh, started } from '../support/containers.ts'
import { useEngine } from '../support/engine.ts'
import { type Footprint, footprint } from '../support/footprint.ts'
import { failure } from '../support/results.ts'
import { imageWith } from '../support/rootfs.ts'

const engine = useEngine()
/** Has data in it, of an owner of its own, and declares volumes. */
const filled = 'localhost/filled:latest'
let before: Footprint

beforeAll(async () => {
  await imageWith(engine, filled, ['VOLUME /data "/with space"'], async (root) => {
    await mkdir(join(root, 'data'))
    await mkdir(join(root, 'data/below'), { mode: 0o750 })
    await writeFile(join(root, 'data/file'), 'of the image\n')
    await symlink('/etc/passwd', join(root, 'data/link'))
    await mkdir(join(root, 'with space'))
    await mkdir(join(root, 'empty'), { mode: 0o711 })
    for (const path of ['data', 'data/file', 'empty']) await chown(join(root, path), 33, 34)
  })
  before = await footprint(engine)
})

afterEach(async () => {
  for (const { id } of await engine.runtime.containers.list()) await engine.runtime.containers.ref(id).remove({ force: true })
  await engine.runtime.volumes.prune()
})

afterAll(async () => {
  await vi.waitFor(async () => expect(await footprint(engine)).toEqual(before), { timeout: 10_000, interval: 100 })
})

const at = (target: string, source?: string, more: object = {}): ContainerMount =>
  ({ type: 'volume', target, ...(source === undefined ? {} : { source }), ...more }) as ContainerMount

const run = async (script: string, mounts: readonly ContainerMount[], options: Partial<CreateContainerOptions> = {}): Promise<string> => {
  const { stdout, stderr } = await engine.runtime.containers.run({
    image: filled,
    command: sh(script),
    network: 'none',
    mounts,
    ...options,
  })
  return stdout + stderr
}
const names = async (): Promise<string[]> => (await engine.runtime.volumes.list()).map(({ name }) => name)
const anonymousOf = async (container: Container): Promise<string[]> =>
  (await container.inspect()).mounts.flatMap(({ name = '' }) => (/^[0-9a-f]{64}$/.test(name) ? [name] : []))

describe('the collection', () => {
  it('creates, gets, lists and removes', async () => {
    const { volumes } = engine.runtime
    const volume = await volumes.create({ name: 'data.1', labels: { app: 'web' } })
    expect(volume.name).toBe('data.1')
    const told = await volume.inspect()
    expect(told).toMatchObject({ name: 'data.1', driver: 'local', labels: { app: 'web' }, options: {}, anonymous: false, containers: [] })
    expect(told).toMatchObject({ needsCopyUp: true, needsChown: true, mountpoint: join(engine.root, 'volumes/data.1/_data') })
    expect((await stat(told.mountpoint ?? '')).isDirectory()).toBe(true)
    expect((await volumes.get('data.1')).name).toBe('data.1')
    expect([await volumes.exists('data.1'), await volumes.exists('data'), await volumes.find('data')]).toEqual([true, false, undefined])
    const { name } = await volumes.create()
    expect(name).toMatch(/^[0-9a-f]{64}$/)
    expect(await volumes.exists(name.slice(0, 12)), 'the beginning of a name is another name').toBe(false)
    expect(await names()).toEqual([name, 'data.1'].sort())
    expect(await volume.remove()).toEqual({ changed: true })
    expect(await volumes.ref(name).remove()).toEqual({ changed: true })
    expect(await readdir(join(engine.root, 'volumes')).then((all) => all.filter((path) => !path.startsWith('.')))).toEqual([])
  })

  it('refuses what is bad, and says why', async () => {
    const { volumes } = engine.runtime
    await volumes.create({ name: 'taken' })
    const cases: [() => Promise<unknown>, object][] = [
      [() => volumes.get('nope'), { code: 'not-found', details: { kind: 'volume', ref: 'nope' } }],
      [() => volumes.ref('nope').inspect(), { code: 'not-found' }],
      [() => volumes.ref('nope').remove(), { code: 'not-found' }],
      [() => volumes.ref('nope').remove({ force: true }), { code: 'not-found' }],
      [() => volumes.get('../../etc'), { code: 'invalid-argument', details: { path: 'name' } }],
      [() => volumes.create({ name: 'taken' }), { code: 'already-exists', details: { kind: 'volume', name: 'taken' } }],
      [() => volumes.create({ name: 'a/b' }), { code: 'invalid-argument', details: { path: 'name' } }],
      [() => volumes.create({ name: '' }), { code: 'invalid-argument', details: { path: 'name' } }],
      [() => volumes.create({ driver: 'nfs' }), { code: 'invalid-argument', details: { path: 'driver', value: 'nfs' } }],
      [() => volumes.create({ options: { type: 'tmpfs' } }), { code: 'invalid-argument', details: { path: 'options.type' } }],
      [() => volumes.create({ labels: { a: 1 } as never }), { code: 'invalid-argument', details: { path: 'labels.a' } }],
      [() => volumes.create({ nmae: 'x' } as never), { code: 'invalid-argument', details: { path: 'nmae' } }],
      [() => volumes.ref('taken').remove({ forse: true } as never), { code: 'invalid-argument', details: { path: 'forse' } }],
      [() => volumes.list({ filters: { size: '1' } as never }), { code: 'invalid-argument', details: { path: 'filters.size' } }],
      [() => volumes.list({ filters: { name: '(' } }), { code: 'invalid-argument', details: { path: 'filters.name' } }],
      [() => volumes.list({ filters: { dangling: 'maybe' } }), { code: 'invalid-argument', details: { path: 'filters.dangling' } }],
    ]
    for (const [refused, wanted] of cases) {
      expect(await failure(refused())).toMatchObject(wanted)
    }
    expect(await volumes.ref('nope').remove({ ifExists: true })).toEqual({ changed: false })
    expect((await volumes.create({ name: 'taken', ifNotExists: true })).name).toBe('taken')
    expect(await names()).toEqual(['taken'])
    await volumes.ref('taken').remove()
  })

  it('lists by filters, and prunes what nobody uses', async () => {
    const { volumes } = engine.runtime
    await volumes.create({ name: 'used', labels: { app: 'web' } })
    await volumes.create({ name: 'unused', labels: { app: 'web', tier: 'back' } })
    const container = await created(engine, ['true'], { mounts: [at('/u', 'used'), at('/anonymous')] })
    const [anonymous = ''] = await anonymousOf(container)
    const listed = async (filters: object) => (await volumes.list({ filters })).map(({ name }) => name)
    const all = [anonymous, 'unused', 'used'].sort()
    expect(await listed({ name: 'used$' })).toEqual(['unused', 'used'])
    expect(await listed({ label: ['app=web', 'tier'] })).toEqual(['unused'])
    expect(await listed({ 'label!': 'app' })).toEqual([anonymous])
    expect(await listed({ driver: 'local' })).toEqual(all)
    expect(await listed({ driver: 'other' })).toEqual([])
    expect(await listed({ dangling: 'true' })).toEqual(['unused'])
    expect(await listed({ dangling: 'false' })).toEqual([anonymous, 'used'].sort())
    expect(await listed({ anonymous: 'true' })).toEqual([anonymous])
    expect(await listed({ until: '1h' })).toEqual([])
    expect(await listed({ until: new Date(Date.now() + 60_000).toISOString() })).toEqual(all)
    const using = async (volume: string) => (await engine.runtime.containers.list({ filters: { volume } })).map(({ id }) => id)
    expect([await using('used'), await using('/anonymous'), await using('unused')]).toEqual([[container.id], [container.id], []])
    await writeFile(join(engine.root, 'volumes/unused/_data/file'), 'x'.repeat(100_000))
    const usage = (await engine.runtime.diskUsage()).volumes
    expect(usage).toMatchObject({ total: 3, active: 2 })
    expect(usage.reclaimableBytes).toBeGreaterThanOrEqual(100_000)
    expect(await volumes.prune({ filters: { label: 'no' } })).toEqual({ removed: [], reclaimedBytes: 0 })
    for (const dangling of ['false', 'true'])
      expect(await failure(volumes.prune({ filters: { dangling } as never }))).toMatchObject({
        code: 'invalid-argument',
        details: { path: 'filters.dangling' },
      })
    expect(await names()).toContain('unused')
    for (const key of ['until', 'anonymous'] as const)
      for (const verb of [volumes.list, volumes.prune] as ((options: object) => Promise<unknown>)[])
        expect(await failure(verb.call(volumes, { filters: { name: 'no such', [key]: 'x' } }))).toMatchObject({
          code: 'invalid-argument',
          details: { path: `filters.${key}` },
        })
    const pruned = await volumes.prune()
    expect(pruned.removed).toEqual(['unused'])
    expect(pruned.reclaimedBytes).toBeGreaterThanOrEqual(100_000)
    expect((await engine.runtime.prune()).volumes).toEqual([])
    expect((await engine.runtime.prune({ volumes: true })).volumes.toSorted()).toEqual([anonymous, 'used'].sort())
  })
})

describe('in containers', () => {
  it('data outlives its containers, and is shared', async () => {
    const one = await started(engine, ['sleep', '600'], { mounts: [at('/d', 'shared')] })
    await one.exec(sh('echo written > /d/file'))
    expect(await run('cat /x/file; echo more >> /x/file', [at('/x', 'shared')])).toBe('written\n')
    expect((await one.exec(['cat', '/d/file'])).stdout).toBe('written\nmore\n')
    expect(await run('echo no > /x/file', [at('/x', 'shared', { readOnly: true })])).toMatch(/Read-only/)
    await one.restart({ timeoutMs: 0 })
    expect((await one.exec(['cat', '/d/file'])).stdout).toBe('written\nmore\n')
    await one.remove({ force: true, volumes: true })
    expect(await names(), 'one with a name stays').toEqual(['shared'])
  })

  it('are filled at their first use with what the image has, with owners, modes and links', async () => {
    const look = 'cd /data; stat -c "%n %a %u:%g" . file below; readlink link; cat file'
    const wanted = '. 755 33:34\nfile 644 33:34\nbelow 750 0:0\n/etc/passwd\nof the image\n'
    expect(await run(look, [at('/data', 'fresh')])).toBe(wanted)
    expect(await engine.runtime.volumes.ref('fresh').inspect()).toMatchObject({ needsCopyUp: false, needsChown: false })
    // Once for life: neither what was removed nor the owner come back.
    await run('rm -r /data/* && chown 1:1 /data', [at('/data', 'fresh')])
    expect(await run('ls /data; stat -c "%u:%g" /data', [at('/data', 'fresh')])).toBe('1:1\n')
  })

  it('are not filled when something is in them, nor when that is not wanted', async () => {
    const { volumes } = engine.runtime
    const { mountpoint = '' } = await (await volumes.create({ name: 'mine' })).inspect()
    await writeFile(join(mountpoint, 'mine'), '')
    expect(await run('ls /data; stat -c "%u:%g" /data', [at('/data', 'mine')])).toBe('mine\n0:0\n')
    expect(await run('ls /data; stat -c "%u:%g" /data', [at('/data', 'plain', { copy: false })])).toBe('33:34\n')
    expect(await run('ls /data', [at('/data', 'plain', { options: ['nocopy'] })])).toBe('')
    expect(await run('cat /data/file', [at('/data', 'plain')]), 'it waited for one that copies').toBe('of the image\n')
  })

  it('belong to the container’s user where the image has no folder', async () => {
    const owner = (target: string, name: string) => run(`stat -c "%a %u:%g" ${target}`, [at(target, name)], { user: '1234:56' })
    expect(await owner('/nowhere', 'new')).toBe('755 1234:56\n')
    expect(await owner('/empty', 'of-image')).toBe('711 33:34\n')
    expect(await run('stat -c "%u:%g" /nowhere', [at('/nowhere', 'new')], { user: '77:77' })).toBe('1234:56\n')
    expect(await run('stat -c "%u:%g" /nowhere', [at('/nowhere', 'new', { options: ['U'] })], { user: '77:77' })).toBe('77:77\n')
  })

  it('are told of by inspect, and by events', async () => {
    const { cursor } = (await eventsOf()).at(-1) ?? { cursor: undefined }
    const container = await created(engine, ['sleep', '600'], {
      mounts: [at('/d', 'told', { readOnly: true }), { type: 'tmpfs', target: '/t' }],
    })
    const { mounts } = await container.inspect()
    expect(mounts).toMatchObject([
      {
        type: 'volume',
        name: 'told',
        source: join(engine.root, 'volumes/told/_data'),
        target: '/d',
        driver: 'local',
        options: ['ro', 'rprivate', 'nosuid', 'nodev', 'rbind'],
        rw: false,
        propagation: 'rprivate',
      },
      { type: 'tmpfs', target: '/t', rw: true },
    ])
    expect((await engine.runtime.volumes.ref('told').inspect()).containers).toEqual([container.id])
    await container.start()
    await container.remove({ force: true })
    await engine.runtime.volumes.ref('told').remove()
    const told = (await eventsOf(cursor)).map(({ action, name, attributes }) => [action, name, attributes['container']])
    expect(told).toEqual([
      ['create', 'told', undefined],
      ['mount', 'told', container.id],
      ['unmount', 'told', container.id],
      ['remove', 'told', undefined],
    ])
  })

  it('mounted twice, and nested, each finds its place', async () => {
    const mounts = [at('/a/b', 'inner'), at('/a', 'outer'), at('/again', 'inner')]
    expect(await run('echo x > /a/b/file; cat /again/file; ls /a', mounts)).toBe('x\nb\n')
  })
})

/** All events about volumes so far. */
async function eventsOf(after?: string) {
  const until = new Date()
  const all = []
  for await (const event of engine.runtime.events({ types: ['volume'], since: '2000-01-01T00:00:00Z', until, ...(after ? { after } : {}) }))
    all.push(event)
  return all
}

describe('removal', () => {
  it('is refused while a container uses it, running or not; with force the containers go first', async () => {
    const volume = await engine.runtime.volumes.create({ name: 'held' })
    const container = await created(engine, ['sleep', '600'], { mounts: [at('/d', 'held')] })
    for (const ready of [async () => {}, () => container.start()]) {
      await ready()
      const error = await failure(volume.remove())
      expect(error).toMatchObject({ code: 'in-use', details: { kind: 'volume', ref: 'held', users: [`container/${container.id}`] } })
      expect(error.hint).toMatch(/force/)
    }
    expect((await engine.runtime.volumes.prune()).removed).toEqual([])
    expect(await volume.remove({ force: true })).toEqual({ changed: true })
    expect(await engine.runtime.containers.exists(container.id)).toBe(false)
  })

  it('a volume of the same name is a new one', async () => {
    await run('echo old > /d/file', [at('/d', 'again')])
    await engine.runtime.volumes.ref('again').remove()
    expect(await run('ls -A /d', [at('/d', 'again')])).toBe('')
    await engine.runtime.volumes.ref('again').remove()
  })
})

describe('anonymous volumes', () => {
  it('of the image and of the caller go with containers that go by themselves', async () => {
    const look = 'cat /data/file; stat -c %u "/with space" /own'
    expect(await run(look, [at('/own')])).toBe('of the image\n0\n0\n')
    {
      await using ephemeral = await engine.runtime.containers.ephemeral({ image: filled, command: ['sleep', '600'], network: 'none' })
      expect(await anonymousOf(ephemeral)).toHaveLength(2)
    }
    const auto = await engine.runtime.containers.create({ image: filled, command: ['true'], network: 'none', autoRemove: true })
    await auto.start()
    await auto.wait({ condition: 'removed' })
    await vi.waitFor(async () => expect(await names()).toEqual([]), { timeout: 5000, interval: 10 })
  })

  it('stay with others, and go with them when that is asked for', async () => {
    const make = () => engine.runtime.containers.create({ image: filled, command: ['true'], network: 'none' })
    const [kept, gone] = [await make(), await make()]
    const left = await anonymousOf(kept)
    expect(await names()).toHaveLength(4)
    await kept.remove()
    await gone.remove({ volumes: true })
    expect(await names()).toEqual(left.toSorted())
    // One that somebody else uses stays, and is not taken away later either.
    const owner = await make()
    const [first = ''] = await anonymousOf(owner)
    const borrower = await created(engine, ['true'], { mounts: [at('/b', first)] })
    await owner.remove({ volumes: true })
    expect(await names()).toEqual([...left, first].sort())
    await borrower.remove({ volumes: true })
    expect(await names()).toEqual(left.toSorted())
  })

  it('of the image can be in memory, or left out, and give way to what the caller mounts', async () => {
    const types = 'grep -E " /(data|with)" /proc/mounts | cut -d " " -f 3'
    expect(await run(`cat /data/file; ${types}`, [], { imageVolumes: 'tmpfs' })).toBe('of the image\ntmpfs\ntmpfs\n')
    expect(await run(types, [], { imageVolumes: 'ignore' })).toBe('')
    const container = await engine.runtime.containers.create({
      image: filled,
      command: ['true'],
      network: 'none',
      mounts: [at('/data/', 'own')],
    })
    expect((await container.inspect()).mounts.map(({ name, target }) => [target, name === 'own'])).toEqual([
      ['/data', true],
      ['/with space', false],
    ])
    await container.remove({ volumes: true })
    expect(await names()).toEqual(['own'])
  })
})

describe('two engines on one root', () => {
  it('containers that name a volume and its removal leave no container without its volume', async () => {
    const other = await engine.open()
    const ended = new AbortController()
    const creating = async () => {
      for (let round = 0; round < 20; round++) {
        const container = await created(engine, ['true'], { mounts: [at('/d', 'contended')] })
        expect((await container.inspect()).mounts[0]?.source, 'its volume is there').toBe(join(engine.root, 'volumes/contended/_data'))
        expect((await readdir(join(engine.root, 'volumes/contended'))).includes('_data')).toBe(true)
        await container.remove()
      }
    }
    const outcomes = { removed: 0, refused: 0 }
    const removing = async () => {
      while (!ended.signal.aborted) {
        await setImmediate()
        try {
          if ((await other.volumes.ref('contended').remove({ ifExists: true })).changed) outcomes.removed++
        } catch (error) {
          expect(error).toMatchObject({ code: 'in-use' })
          outcomes.refused++
        }
      }
    }
    try {
      await Promise.all([creating().finally(() => ended.abort()), removing()])
    } finally {
      await other.close()
    }
    expect(outcomes.removed).toBeGreaterThan(0)
    expect(outcomes.refused).toBeGreaterThan(0)
  })

  it('two that start with one new volume both find it whole', async () => {
    const other = await engine.open()
    try {
      const script = sh('ls /data | wc -l; cat /data/file')
      const mounts = [at('/data', 'both')]
      const runs = [engine.runtime, other, engine.runtime, other].map(({ containers }) =>
        containers.run({ image: filled, command: script, network: 'none', mounts }),
      )
      for (const { stdout } of await Promise.all(runs)) expect(stdout).toBe('3\nof the image\n')
    } finally {
      await other.close()
    }
  })
})
