import { expect, it } from 'vitest'
import { LiveState } from './live.ts'
import { createMemoryStore } from './stores/memory.ts'

it('keeps one body for each kind and id', async () => {
  const live = new LiveState(createMemoryStore())
  expect(await live.get('container', 'a')).toBeUndefined()
  await live.set('container', 'a', { pid: 1 })
  await live.set('container', 'a', { pid: 2 })
  await live.set('restart', 'a', { dueAt: 'now' })
  expect(await live.get<{ pid: number }>('container', 'a')).toEqual({ pid: 2 })
  await live.delete('container', 'a')
  await live.delete('container', 'a')
  expect(await live.get('container', 'a')).toBeUndefined()
  expect(await live.all('restart')).toEqual([{ id: 'a', body: { dueAt: 'now' } }])
})

it('lists all of a kind, however many there are', async () => {
  const live = new LiveState(createMemoryStore())
  const ids = Array.from({ length: 2500 }, (_, at) => String(at).padStart(4, '0'))
  for (const id of ids) await live.set('container', id, { id })
  expect((await live.all<{ id: string }>('container')).map(({ body }) => body.id)).toEqual(ids)
})
