import { expect, it } from 'vitest'
import { EventBus } from './bus.ts'
import type { EngineEvent } from './event.ts'

const event: EngineEvent = { type: 'container', action: 'start', id: 'a', name: 'a', image: '', attributes: {}, time: '', cursor: '1' }
const other: EngineEvent = { type: 'image', action: 'pull', id: 'b', name: 'b', attributes: {}, time: '', cursor: '2' }

function recordingLogger() {
  const errors: string[] = []
  return { errors, logger: { debug() {}, warn() {}, error: (message: string) => void errors.push(message) } }
}

it('calls listeners of the type, each once, until they are taken back', () => {
  const bus = new EventBus()
  const seen: string[] = []
  const listener = ({ id }: { readonly id: string }) => seen.push(id)
  bus.on('container', listener)
  const stop = bus.on('container', listener)
  bus.on('image', listener)
  bus.emit(event)
  bus.emit(other)
  expect(seen).toEqual(['a', 'b'])
  stop()
  bus.emit(event)
  bus.off('image', listener)
  bus.emit(other)
  expect(seen).toEqual(['a', 'b'])
})

it('a throwing listener reaches neither the engine nor the others', async () => {
  const { errors, logger } = recordingLogger()
  const bus = new EventBus({ logger })
  const seen: string[] = []
  bus.on('container', () => {
    throw new Error('first')
  })
  bus.on('container', async () => {
    throw new Error('second')
  })
  bus.on('container', ({ id }) => seen.push(id))
  bus.emit(event)
  await new Promise((resolve) => setImmediate(resolve))
  expect(seen).toEqual(['a'])
  expect(errors).toHaveLength(2)
  expect(errors[0]).toContain('first')
  expect(errors[1]).toContain('second')
})

it('streams to any number of readers, and ends with the bus', async () => {
  const bus = new EventBus()
  const read = async (limit: number): Promise<string[]> => {
    const ids: string[] = []
    for await (const { id } of bus.stream()) {
      ids.push(id)
      if (ids.length === limit) break
    }
    return ids
  }
  const readers = [read(1), read(3)]
  await new Promise((resolve) => setImmediate(resolve))
  bus.emit(event)
  bus.emit(other)
  bus.close()
  expect(await Promise.all(readers)).toEqual([['a'], ['a', 'b']])
})

it('wakes for events of every type', () => {
  const bus = new EventBus()
  let woken = 0
  const stop = bus.onAny(() => woken++)
  bus.emit(event)
  bus.emit(other)
  stop()
  bus.emit(event)
  expect(woken).toBe(2)
})
