import { describe, expect, it } from 'vitest'
import { Registry } from './registry.ts'
import type { KindDefinition, RegistryDraft } from './registry-types.ts'
import type { Json, StateChange, StateStore } from './state-store.ts'
import { createMemoryStore } from './stores/memory.ts'

const kinds: readonly KindDefinition[] = [
  { kind: 'container', nameScope: 'container', format: 1 },
  { kind: 'pod', nameScope: 'container', format: 1 },
  { kind: 'image', nameScope: 'image', format: 1 },
]

function open(store: StateStore = createMemoryStore()) {
  const told: string[][] = []
  const registry = new Registry(store, { kinds, onCommit: (objects) => void told.push([...objects]) })
  return { registry, store, told }
}

function draft(id: string, rest: Partial<RegistryDraft> = {}): RegistryDraft {
  return { id, names: [], links: [], body: { id }, summary: { short: id }, ...rest }
}

/** A store in which others get in between: `meanwhile` runs ahead of the next commit. */
function interrupted(store: StateStore): { store: StateStore; meanwhile: (work: () => Promise<unknown>) => void } {
  let work: (() => Promise<unknown>) | undefined
  return {
    meanwhile: (next) => {
      work = next
    },
    store: {
      ...store,
      get: (keys) => store.get(keys),
      async commit(change: StateChange) {
        const now = work
        work = undefined
        await now?.()
        return store.commit(change)
      },
    },
  }
}

const rejection = (code: string, details: object = {}) => expect.objectContaining({ code, details: expect.objectContaining(details) })

async function allKeys(store: StateStore): Promise<string[]> {
  return (await store.list('')).map(({ key }) => key)
}

describe('create', () => {
  it('writes the object, its summary, its names and its links', async () => {
    const { registry, store, told } = open()
    const image = await registry.create('image', draft('i1', { names: ['localhost/a:1', 'localhost/a:2'] }))
    expect(image).toEqual({ ...draft('i1', { names: ['localhost/a:1', 'localhost/a:2'] }), kind: 'image', version: expect.any(String) })
    const container = await registry.create('container', draft('c1', { names: ['web'], links: ['image/i1'] }))
    expect(await registry.get('container', 'c1')).toEqual(container)
    expect(await allKeys(store)).toEqual([
      'link/image/i1/container/c1',
      'name/container/web',
      'name/image/localhost/a:1',
      'name/image/localhost/a:2',
      'object/container/c1',
      'object/image/i1',
      'summary/container/c1',
      'summary/image/i1',
    ])
    expect(told).toEqual([['image/i1'], ['container/c1']])
  })

  it('refuses a taken name, telling who has it, across the kinds of a scope', async () => {
    const { registry, store } = open()
    await registry.create('pod', draft('p1', { names: ['web'] }))
    const before = await allKeys(store)
    await expect(registry.create('container', draft('c1', { names: ['web'] }))).rejects.toEqual(
      rejection('already-exists', { kind: 'container', name: 'web', id: 'p1' }),
    )
    await expect(registry.create('pod', draft('p1'))).rejects.toEqual(rejection('already-exists', { id: 'p1' }))
    expect(await allKeys(store)).toEqual(before)
    await registry.create('image', draft('i1', { names: ['web'] }))
  })

  it('refuses a link to what is not there', async () => {
    const { registry, store } = open()
    await expect(registry.create('container', draft('c1', { links: ['image/i1'] }))).rejects.toEqual(
      rejection('not-found', { kind: 'image', ref: 'i1' }),
    )
    expect(await allKeys(store)).toEqual([])
  })

  it('refuses ids that would run into other keys', async () => {
    const { registry } = open()
    for (const id of ['', 'a/b']) await expect(registry.create('container', draft(id))).rejects.toEqual(rejection('invalid-argument'))
    await expect(registry.get('container', 'a/b')).rejects.toEqual(rejection('invalid-argument'))
    await expect(registry.get('box', 'a')).rejects.toEqual(rejection('internal'))
  })

  it('lets one of many who want a name have it', async () => {
    const { registry } = open()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, at) => registry.create('container', draft(`c${at}`, { names: ['web'] }))),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await registry.count('container')).toBe(1)
  })
})

describe('update', () => {
  it('changes the body, and moves names and links', async () => {
    const { registry, store, told } = open()
    for (const id of ['i1', 'i2']) await registry.create('image', draft(id))
    const created = await registry.create('container', draft('c1', { names: ['web', 'www'], links: ['image/i1'] }))
    const updated = await registry.update('container', 'c1', ({ kind: _, version: __, ...current }) => ({
      ...current,
      names: ['www', 'new'],
      links: ['image/i2'],
      body: { changed: true },
      summary: 'changed',
    }))
    expect(updated.version).not.toBe(created.version)
    expect(await registry.get('container', 'c1')).toEqual(updated)
    expect(await allKeys(store)).toEqual(expect.arrayContaining(['name/container/new', 'name/container/www', 'link/image/i2/container/c1']))
    expect(await registry.find('container', 'web')).toBeUndefined()
    expect(await registry.users('image', 'i1')).toEqual([])
    expect(told.at(-1)).toEqual(['container/c1'])
  })

  it('leaves an object that needs no change, and tells nobody', async () => {
    const { registry, told } = open()
    const created = await registry.create('container', draft('c1'))
    expect(await registry.update('container', 'c1', () => undefined)).toEqual(created)
    expect(told).toHaveLength(1)
  })

  it('loses no change of many at once', async () => {
    const { registry } = open()
    await registry.create('container', draft('c1', { body: 0 }))
    const increment = () => registry.update('container', 'c1', (current) => draft('c1', { body: Number(current.body) + 1 }))
    await Promise.all(Array.from({ length: 50 }, increment))
    expect((await registry.get('container', 'c1'))?.body).toBe(50)
  })

  it('asks again when another writer was faster', async () => {
    const memory = createMemoryStore()
    const { store, meanwhile } = interrupted(memory)
    const { registry } = open(store)
    const { registry: other } = open(memory)
    await registry.create('container', draft('c1', { body: ['mine'] }))
    meanwhile(() => other.update('container', 'c1', () => draft('c1', { body: ['theirs'] })))
    const seen: Json[] = []
    await registry.update('container', 'c1', ({ body }) => {
      seen.push(body)
      return draft('c1', { body: [...(body as Json[]), 'more'] })
    })
    expect(seen).toEqual([['mine'], ['theirs']])
    expect((await registry.get('container', 'c1'))?.body).toEqual(['theirs', 'more'])
  })

  it('rejects for an object that is gone, or goes in between, and passes on what the change throws', async () => {
    const memory = createMemoryStore()
    const { store, meanwhile } = interrupted(memory)
    const { registry } = open(store)
    const missing = rejection('not-found', { kind: 'container', ref: 'c1' })
    await expect(registry.update('container', 'c1', () => draft('c1'))).rejects.toEqual(missing)
    await registry.create('container', draft('c1'))
    meanwhile(() => open(memory).registry.remove('container', 'c1'))
    await expect(registry.update('container', 'c1', () => draft('c1'))).rejects.toEqual(missing)
    await registry.create('container', draft('c1', { names: ['web'] }))
    const failure = new Error('no')
    const failing = registry.update('container', 'c1', () => {
      throw failure
    })
    await expect(failing).rejects.toBe(failure)
    await registry.create('container', draft('c2', { names: ['db'] }))
    await expect(registry.update('container', 'c2', () => draft('c2', { names: ['web'] }))).rejects.toEqual(
      rejection('already-exists', { name: 'web', id: 'c1' }),
    )
  })
})

describe('remove', () => {
  it('takes everything of the object away, once', async () => {
    const { registry, store, told } = open()
    await registry.create('image', draft('i1'))
    await registry.create('container', draft('c1', { names: ['web'], links: ['image/i1'] }))
    expect(await registry.remove('container', 'c1')).toBe(true)
    expect(await registry.remove('container', 'c1')).toBe(false)
    expect(told).toHaveLength(3)
    expect(await registry.remove('image', 'i1')).toBe(true)
    expect(await allKeys(store)).toEqual([])
  })

  it('refuses what is in use, telling by whom', async () => {
    const { registry } = open()
    await registry.create('image', draft('i1'))
    for (const id of ['c1', 'c2']) await registry.create('container', draft(id, { links: ['image/i1'] }))
    await expect(registry.remove('image', 'i1')).rejects.toEqual(rejection('in-use', { users: ['container/c1', 'container/c2'] }))
    expect(await registry.users('image', 'i1')).toEqual(['container/c1', 'container/c2'])
  })

  it('keeps to the version that was expected', async () => {
    const { registry } = open()
    const { version } = await registry.create('container', draft('c1'))
    await registry.update('container', 'c1', () => draft('c1'))
    await expect(registry.remove('container', 'c1', { expectVersion: version })).rejects.toEqual(rejection('conflict'))
    const current = await registry.get('container', 'c1')
    expect(await registry.remove('container', 'c1', current && { expectVersion: current.version })).toBe(true)
  })

  it('sees a user that comes in between', async () => {
    const memory = createMemoryStore()
    const { store, meanwhile } = interrupted(memory)
    const { registry } = open(store)
    await registry.create('image', draft('i1'))
    meanwhile(() => open(memory).registry.create('container', draft('c1', { links: ['image/i1'] })))
    await expect(registry.remove('image', 'i1')).rejects.toEqual(rejection('in-use', { users: ['container/c1'] }))
    meanwhile(() => open(memory).registry.update('container', 'c1', () => draft('c1', { names: ['web'] })))
    expect(await registry.remove('container', 'c1')).toBe(true)
    expect(await registry.remove('image', 'i1')).toBe(true)
    expect(await allKeys(memory)).toEqual([])
  })
})

describe('commit', () => {
  it('moves a name from one object to another at once', async () => {
    const { registry } = open()
    await registry.create('image', draft('i1', { names: ['a:1'] }))
    const results = await registry.commit([
      { type: 'update', kind: 'image', id: 'i1', change: () => draft('i1') },
      { type: 'create', kind: 'image', draft: draft('i2', { names: ['a:1'] }) },
    ])
    expect(results.map((object) => object?.names)).toEqual([[], ['a:1']])
    expect(await registry.resolve('image', 'a:1')).toBe('i2')
    await registry.commit([
      { type: 'remove', kind: 'image', id: 'i2' },
      { type: 'update', kind: 'image', id: 'i1', change: () => draft('i1', { names: ['a:1'] }) },
    ])
    expect(await registry.resolve('image', 'a:1')).toBe('i1')
  })

  it('creates objects that link to each other', async () => {
    const { registry } = open()
    await registry.commit([
      { type: 'create', kind: 'pod', draft: draft('p1') },
      { type: 'create', kind: 'container', draft: draft('c1', { links: ['pod/p1'] }) },
    ])
    expect(await registry.users('pod', 'p1')).toEqual(['container/c1'])
  })

  it('does all or nothing', async () => {
    const { registry, store } = open()
    await registry.create('image', draft('i1', { names: ['a:1'] }))
    const before = await store.list('')
    const create = (rest: Partial<RegistryDraft>) => ({ type: 'create', kind: 'image', draft: draft('i2', rest) }) as const
    await expect(
      registry.commit([create({ names: ['b:1'] }), { type: 'update', kind: 'image', id: 'i9', change: () => draft('i9') }]),
    ).rejects.toEqual(rejection('not-found'))
    await expect(
      registry.commit([
        create({ names: ['a:1'] }),
        { type: 'update', kind: 'image', id: 'i1', change: () => draft('i1', { names: ['a:1', 'c:1'] }) },
      ]),
    ).rejects.toEqual(rejection('already-exists', { id: 'i1' }))
    await expect(
      registry.commit([create({ names: ['b:1'] }), { type: 'create', kind: 'image', draft: draft('i3', { names: ['b:1'] }) }]),
    ).rejects.toEqual(rejection('already-exists', { name: 'b:1' }))
    await expect(registry.commit([create({ links: ['image/i1'] }), { type: 'remove', kind: 'image', id: 'i1' }])).rejects.toEqual(
      rejection('not-found', { ref: 'i1' }),
    )
    expect(await store.list('')).toEqual(before)
  })
})

describe('references', () => {
  const a = `ab${'0'.repeat(62)}`
  const b = `ab${'1'.repeat(62)}`

  it('mean a full id, else a name, else the beginning of one id', async () => {
    const { registry } = open()
    await registry.create('container', draft(a, { names: ['web'] }))
    await registry.create('container', draft(b, { names: ['ab0'] }))
    expect(await registry.resolve('container', a)).toBe(a)
    expect(await registry.resolve('container', 'web')).toBe(a)
    expect(await registry.resolve('container', 'ab0')).toBe(b)
    expect(await registry.resolve('container', 'ab00')).toBe(a)
    expect((await registry.find('container', 'ab1'))?.id).toBe(b)
    await expect(registry.resolve('container', 'ab')).rejects.toEqual(rejection('ambiguous', { candidates: [a, b] }))
    await expect(registry.find('container', 'a')).rejects.toEqual(rejection('ambiguous'))
    await expect(registry.resolve('container', 'none')).rejects.toEqual(rejection('not-found', { ref: 'none' }))
    for (const ref of ['', 'we', 'a/b', 'x'.repeat(1000), 'cd']) expect(await registry.find('container', ref)).toBeUndefined()
  })

  it('keep to their kind where a scope has several', async () => {
    const { registry } = open()
    await registry.create('pod', draft(a, { names: ['web'] }))
    expect(await registry.find('container', 'web')).toBeUndefined()
    expect(await registry.find('container', 'ab')).toBeUndefined()
    expect((await registry.find('pod', 'web'))?.id).toBe(a)
  })
})

describe('lists', () => {
  it('give pages of summaries, and read nothing else', async () => {
    const store = createMemoryStore()
    const prefixes: string[] = []
    const list: StateStore['list'] = (prefix, options) => {
      prefixes.push(prefix)
      return store.list(prefix, options)
    }
    const { registry } = open({ ...store, list })
    for (let at = 0; at < 25; at++) await registry.create('container', draft(`c${String(at).padStart(2, '0')}`, { names: [`n${at}`] }))
    expect(await registry.list('container', { after: 'c03', limit: 2 })).toEqual([
      { id: 'c04', names: ['n4'], summary: { short: 'c04' } },
      { id: 'c05', names: ['n5'], summary: { short: 'c05' } },
    ])
    const sizes: number[] = []
    for await (const page of registry.iterate('container', { pageSize: 10 })) sizes.push(page.length)
    expect(sizes).toEqual([10, 10, 5])
    expect(await registry.count('container')).toBe(25)
    expect(await registry.count('pod')).toBe(0)
    expect(new Set(prefixes)).toEqual(new Set(['summary/container/', 'summary/pod/']))
  })
})
