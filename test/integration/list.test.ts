import type { Container, ContainerFilters } from 'libpod-ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { created, sh, started } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'
import { collect, failure } from '../support/results.ts'

const engine = useEngine()
const all: Record<string, Container> = {}
/** It takes a cgroup, which an ordinary user has only with the help of systemd. */
const canPause = process.geteuid?.() === 0

beforeAll(async () => {
  all['web-1'] = await created(engine, ['sleep', '600'], { name: 'web-1', labels: { app: 'web', tier: 'front' } })
  all['web-2'] = await started(engine, ['sleep', '600'], { name: 'web-2', labels: { app: 'web' } })
  all['job'] = await started(engine, sh('exit 3'), { name: 'job', labels: { app: 'job', empty: '' } })
  await all['job'].wait()
  all['frozen'] = await started(engine, ['sleep', '600'], { name: 'frozen' })
  if (canPause) await all['frozen'].pause()
})

afterAll(() => (canPause ? all['frozen']?.unpause() : undefined))

const idOf = (name: string): string => all[name]?.id ?? ''
const named = async (filters?: ContainerFilters): Promise<string[]> =>
  (await engine.runtime.containers.list({ filters })).map(({ name }) => name).sort()

describe('list', () => {
  it('gives summaries in the order of ids, and iterate the same one by one', async () => {
    const summaries = await engine.runtime.containers.list()
    expect(summaries.map(({ id }) => id)).toEqual(
      Object.values(all)
        .map(({ id }) => id)
        .sort(),
    )
    expect(await collect(engine.runtime.containers.iterate())).toEqual(summaries)
    const imageId = (await engine.runtime.images.get(image)).id
    expect(summaries.find(({ name }) => name === 'job')).toMatchObject({
      status: 'exited',
      exitCode: 3,
      image,
      imageId,
      command: ['sh', '-c', 'exit 3'],
      labels: { app: 'job', empty: '' },
      ports: [],
      ephemeral: false,
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      startedAt: expect.any(String),
      finishedAt: expect.any(String),
    })
    for await (const { id } of engine.runtime.containers.iterate()) {
      expect(id).toBe(summaries[0]?.id)
      break
    }
  })

  it.each<[ContainerFilters, string[]]>([
    [{}, ['frozen', 'job', 'web-1', 'web-2']],
    [{ name: 'web' }, ['web-1', 'web-2']],
    [{ name: '^web-1$' }, ['web-1']],
    [{ name: ['job', 'frozen'] }, ['frozen', 'job']],
    [{ name: [] }, ['frozen', 'job', 'web-1', 'web-2']],
    [{ name: undefined }, ['frozen', 'job', 'web-1', 'web-2']],
    [{ label: 'app' }, ['job', 'web-1', 'web-2']],
    [{ label: 'app=web' }, ['web-1', 'web-2']],
    [{ label: ['app=web', 'tier=front'] }, ['web-1']],
    [{ label: 'empty=' }, ['job']],
    [{ label: 'constructor' }, []],
    [{ 'label!': 'app' }, ['frozen']],
    [{ 'label!': ['app=web', 'app=job'] }, ['frozen']],
    [{ status: 'running' }, ['web-2']],
    [{ status: ['created', 'paused'] }, ['frozen', 'web-1']],
    [{ exited: '3' }, ['job']],
    [{ exited: '0' }, []],
    [{ ancestor: 'busybox' }, ['frozen', 'job', 'web-1', 'web-2']],
    [{ ancestor: image }, ['frozen', 'job', 'web-1', 'web-2']],
    [{ ancestor: 'nothing' }, []],
    [{ command: 'sh' }, ['job']],
    [{ before: 'web-2' }, ['web-1']],
    [{ since: 'web-2' }, ['frozen', 'job']],
    [{ since: 'web-1', status: 'exited' }, ['job']],
    [{ until: '1h' }, []],
    [{ until: String(Date.now() / 1000 + 3600) }, ['frozen', 'job', 'web-1', 'web-2']],
    [{ name: 'web', label: 'tier' }, ['web-1']],
  ])('filters by %j', async (filters, names) => {
    expect(await named(filters)).toEqual(names)
  })

  it('filters by id', async () => {
    expect(await named({ id: idOf('job') })).toEqual(['job'])
    expect(await named({ id: idOf('job').slice(0, 12) })).toEqual(['job'])
  })

  it.each<[unknown, string]>([
    [{ colour: 'red' }, 'filters.colour'],
    [{ __proto__: null, constructor: 'x' }, 'filters.constructor'],
    [{ status: 'sleeping' }, 'filters.status'],
    [{ name: '(' }, 'filters.name'],
    [{ name: 7 }, 'filters.name'],
    [{ label: [null] }, 'filters.label'],
    [{ until: 'soon' }, 'filters.until'],
    ['running', 'filters'],
  ])('refuses %j', async (filters, path) => {
    const error = await failure(engine.runtime.containers.list({ filters: filters as ContainerFilters }))
    expect(error).toMatchObject({ code: 'invalid-argument', details: { path } })
  })

  it('says that the container a filter names is not there', async () => {
    expect(await failure(named({ before: 'nobody' }))).toMatchObject({ code: 'not-found', details: { ref: 'nobody' } })
  })
})

describe('finding one', () => {
  it('by id, by the beginning of one, and by name', async () => {
    const { containers } = engine.runtime
    for (const ref of [idOf('job'), idOf('job').slice(0, 12), 'job']) {
      expect((await containers.get(ref)).id).toBe(idOf('job'))
      expect((await containers.find(ref))?.id).toBe(idOf('job'))
      expect(await containers.exists(ref)).toBe(true)
    }
    expect(containers.ref('x').id).toBe('x')
  })

  it.each(['nobody', '', 'a/b', '..', `${'f'.repeat(64)}`, 'x'.repeat(10_000), 'constructor', '\0'])('not %j', async (ref) => {
    const { containers } = engine.runtime
    const error = await failure(containers.get(ref))
    expect(error).toMatchObject({ code: 'not-found', details: { kind: 'container' } })
    expect(error.message.length).toBeLessThan(500)
    expect(await containers.find(ref)).toBeUndefined()
    expect(await containers.exists(ref)).toBe(false)
    expect((await failure(containers.ref(ref).inspect())).code).toMatch(/^(not-found|invalid-argument)$/)
  })

  it.each([undefined, null, 7, {}, ['job']])('refuses %j', async (ref) => {
    const error = await failure(engine.runtime.containers.get(ref as never))
    expect(error).toMatchObject({ code: 'invalid-argument', details: { path: 'container' } })
  })

  it('refuses the beginning of several ids, and takes a name before the beginning of an id', async () => {
    const { containers } = engine.runtime
    const made: Container[] = []
    const digitsOf = (): string[] => made.map(({ id }) => id.charAt(0))
    while (new Set(digitsOf()).size === made.length) made.push(await created(engine, ['true'], { labels: { many: '' } }))
    const twice = digitsOf().find((digit, at) => digitsOf().indexOf(digit) !== at) ?? ''
    const error = await failure(containers.get(twice))
    expect(error).toMatchObject({ code: 'ambiguous', details: { kind: 'container', ref: twice } })
    expect(error.hint).toContain('more digits')
    expect((await failure(containers.find(twice))).code).toBe('ambiguous')
    const holder = await created(engine, ['true'], { name: twice, labels: { many: '' } })
    expect((await containers.get(twice)).id).toBe(holder.id)
    const { removed } = await containers.prune({ filters: { label: 'many' } })
    expect([...removed].sort()).toEqual([...made, holder].map(({ id }) => id).sort())
  })
})

describe('prune', () => {
  it('removes what does not run and matches', async () => {
    const { containers } = engine.runtime
    const [old, other] = [await created(engine, ['true'], { labels: { x: '1' } }), await created(engine, ['true'], { labels: { x: '2' } })]
    expect(await containers.prune({ filters: { label: 'x=1' } })).toEqual({ removed: [old.id] })
    expect(await containers.prune({ filters: { label: 'app=web', status: 'running' } })).toEqual({ removed: [] })
    expect(await containers.exists(other.id)).toBe(true)
    expect(await failure(containers.prune({ filter: { label: 'x' } } as never))).toMatchObject({ details: { path: 'filter' } })
    expect(await containers.exists(other.id)).toBe(true)
    await other.remove()
  })
})
