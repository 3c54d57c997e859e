import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import loadLmdbAddon from './lmdb-addon.ts'

it('is the native part that lmdb itself would take', () => {
  const { nativeAddon } = createRequire(import.meta.url)('lmdb') as { readonly nativeAddon: object }
  expect(loadLmdbAddon()).toBe(nativeAddon)
})
