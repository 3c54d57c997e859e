import { expect, test } from 'vitest'
import { areApart } from './apart.ts'

test.each([
  ['/srv/v', '/srv/w'],
  ['/srv/v', '/srv/volume'],
  ['/srv/v', '/srv/..v'],
  ['/srv/v', '/srv/v/../w'],
])('%s and %s are apart', (a, b) => {
  expect([areApart(a, b), areApart(b, a)]).toEqual([true, true])
})

test.each([
  ['/srv/v', '/srv/v'],
  ['/srv/v', '/srv/v/'],
  ['/srv/v', '/srv/w/../v'],
  ['/srv/v', '/srv'],
  ['/srv/v', '/'],
  ['/srv/v', '/srv/v/below'],
  ['/srv/v', '/srv/v/..below'],
  ['/srv/v', '/srv/v/...'],
])('%s and %s are not', (a, b) => {
  expect([areApart(a, b), areApart(b, a)]).toEqual([false, false])
})
