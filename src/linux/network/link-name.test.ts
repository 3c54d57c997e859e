import { expect, test } from 'vitest'
import { isLinkName } from './link-name.ts'

test.each(['eth0', 'web-1.2', 'a', '123456789012345', 'é'.repeat(7)])('%s is a name of a link', (name) => {
  expect(isLinkName(name)).toBe(true)
})

test.each(['', '.', '..', 'lo', 'all', 'default', 'a%d', 'a b', 'a/b', 'a:b', 'a\0', '1234567890123456', 'é'.repeat(8)])(
  '%j is none',
  (name) => {
    expect(isLinkName(name)).toBe(false)
  },
)
