import { expect, it } from 'vitest'
import { checkRoot, claimRoot, rootFormat } from './format.ts'
import { createMemoryStore } from './stores/memory.ts'

const settings = { runRoot: '/run/a', uid: 0, snapshotter: 'overlay' }
const rejection = (code: string, details: object) => expect.objectContaining({ code, details })

it('pins what a root was made with, and adds what is new', async () => {
  const store = createMemoryStore()
  expect(await claimRoot(store, settings)).toEqual(settings)
  expect(await claimRoot(store, settings)).toEqual(settings)
  expect(await claimRoot(store, { ...settings, network: 'bridge' })).toEqual({ ...settings, network: 'bridge' })
  await expect(claimRoot(store, { ...settings, network: 'cni' })).rejects.toEqual(rejection('conflict', { what: 'network' }))
})

it('compares what a root was made with, and pins nothing', async () => {
  const store = createMemoryStore()
  await checkRoot(store, { runRoot: '/run/b' })
  await claimRoot(store, settings)
  await checkRoot(store, { ...settings, network: 'bridge' })
  await expect(checkRoot(store, { runRoot: '/run/b' })).rejects.toEqual(rejection('conflict', { what: 'runRoot' }))
})

it('says which setting differs, with both values', async () => {
  const store = createMemoryStore()
  await claimRoot(store, settings)
  const mismatch = claimRoot(store, { ...settings, runRoot: '/run/b' })
  await expect(mismatch).rejects.toEqual(rejection('conflict', { what: 'runRoot' }))
  await expect(mismatch).rejects.toThrow(/"\/run\/a".*"\/run\/b"/)
})

it('is claimed by one of those who come at once', async () => {
  const store = createMemoryStore()
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, (_, at) => claimRoot(store, { runRoot: `/run/${at}` })))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') expect(outcome.reason).toEqual(rejection('conflict', { what: 'runRoot' }))
})

it('leaves a newer root alone, and says so of a damaged one', async () => {
  const store = createMemoryStore()
  await store.commit({ puts: [{ key: 'root', value: { format: rootFormat + 1, settings } }] })
  await expect(claimRoot(store, settings)).rejects.toEqual(rejection('unsupported', { what: `root format ${rootFormat + 1}` }))
  await store.commit({ puts: [{ key: 'root', value: 'what?' }] })
  await expect(claimRoot(store, settings)).rejects.toEqual(rejection('corrupt', { what: 'root' }))
})
