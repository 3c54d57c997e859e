import { expect, it } from 'vitest'
import { Registry } from './registry.ts'
import type { KindDefinition, RegistryDraft } from './registry-types.ts'
import type { Json, StateStore } from './state-store.ts'
import { createMemoryStore } from './stores/memory.ts'

const today: KindDefinition = {
  kind: 'container',
  nameScope: 'container',
  format: 3,
  migrate(body, from) {
    const steps = [...((body as { steps?: Json[] }).steps ?? []), from]
    if ((body as { broken?: boolean }).broken) throw new Error('broken')
    return { ...(body as object), steps }
  },
}

function open(store: StateStore, definition: Partial<KindDefinition> = {}) {
  return new Registry(store, {
    kinds: [
      { ...today, ...definition },
      { kind: 'image', nameScope: 'image', format: 1 },
    ],
  })
}

const draft = (id: string, rest: Partial<RegistryDraft> = {}): RegistryDraft => ({
  id,
  names: [`name-${id}`],
  links: [],
  body: {},
  summary: id,
  ...rest,
})
const rejection = (code: string) => expect.objectContaining({ code })

it('lifts old bodies step by step when they are read, and writes them when they change', async () => {
  const store = createMemoryStore()
  await open(store, { format: 1 }).create('container', draft('a'))
  const registry = open(store)
  expect((await registry.get('container', 'a'))?.body).toEqual({ steps: [1, 2] })
  expect((await store.get(['object/container/a']))[0]?.value).toMatchObject({ format: 1 })
  await registry.update('container', 'a', ({ body }) => draft('a', { body }))
  expect((await store.get(['object/container/a']))[0]?.value).toMatchObject({ format: 3, body: { steps: [1, 2] } })
})

it('leaves newer bodies alone', async () => {
  const store = createMemoryStore()
  await open(store, { format: 4 }).create('container', draft('a'))
  const registry = open(store)
  await expect(registry.get('container', 'a')).rejects.toEqual(rejection('unsupported'))
  await expect(registry.update('container', 'a', () => draft('a'))).rejects.toEqual(rejection('unsupported'))
  expect(await registry.list('container')).toHaveLength(1)
})

it('a damaged body breaks no list, and can be removed', async () => {
  const store = createMemoryStore()
  await open(store, { format: 2 }).create('container', draft('bad', { body: { broken: true } }))
  const registry = open(store)
  await registry.create('image', draft('i'))
  await registry.create('container', draft('good'))
  await registry.create('container', draft('worse', { links: ['image/i'] }))
  await store.commit({ puts: [{ key: 'object/container/worse', value: 'what?' }] })
  for (const id of ['bad', 'worse']) {
    await expect(registry.get('container', id)).rejects.toEqual(rejection('corrupt'))
    await expect(registry.find('container', `name-${id}`)).rejects.toEqual(rejection('corrupt'))
  }
  expect((await registry.list('container')).map(({ id }) => id)).toEqual(['bad', 'good', 'worse'])
  expect(await registry.remove('container', 'bad')).toBe(true)
  expect(await registry.remove('container', 'worse')).toBe(true)
  expect(await registry.remove('image', 'i')).toBe(true)
  expect((await store.list('')).map(({ key }) => key)).toEqual([
    'name/container/name-good',
    'object/container/good',
    'summary/container/good',
  ])
  await expect(open(store, { format: 4, migrate: undefined as never }).get('container', 'good')).rejects.toEqual(rejection('corrupt'))
})

it('a damaged summary shows nothing, but its object stays in the list', async () => {
  const store = createMemoryStore()
  const registry = open(store)
  await registry.create('container', draft('a'))
  await store.commit({ puts: [{ key: 'summary/container/a', value: 'what?' }] })
  expect(await registry.list('container')).toEqual([{ id: 'a', names: [], summary: null }])
})
