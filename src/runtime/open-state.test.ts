import { expect, it } from 'vitest'
import { createMemoryStore } from '../state/stores/memory.ts'
import { openState } from './open-state.ts'

it('takes from a driver nothing but a store', async () => {
  const store = createMemoryStore()
  expect(await openState({ name: 'own', open: async () => store }, '/root')).toBe(store)
  for (const given of [undefined, null, 5, {}, { ...store, traits: undefined }])
    await expect(openState({ name: 'own', open: async () => given as never }, '/root')).rejects.toMatchObject({
      code: 'invalid-argument',
      details: { path: 'state' },
    })
})
