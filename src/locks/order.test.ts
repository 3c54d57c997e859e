import { expect, it } from 'vitest'
import { assertLockOrder } from './order.ts'

it.each([
  ['container/a', ['pod/z']],
  ['container/b', ['pod/a', 'container/a']],
  ['network/a', ['container/b', 'pod/a']],
  ['volume/a', ['network/z']],
  ['blob/sha256:0', ['pod/a', 'container/a', 'network/a', 'volume/a']],
  ['image/a', []],
])('%s may be taken while holding %j', (key, held) => {
  expect(() => assertLockOrder(key, held)).not.toThrow()
})

it.each([
  ['pod/a', ['container/a']],
  ['container/a', ['container/b']],
  ['container/a', ['container/a']],
  ['volume/a', ['pod/a', 'blob/b']],
  ['image/a', ['container/a']],
  ['container/a', ['image/a']],
])('%s may not be taken while holding %j', (key, held) => {
  expect(() => assertLockOrder(key, held)).toThrow(expect.objectContaining({ code: 'internal' }))
})
