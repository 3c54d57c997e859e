import { expect, test } from 'vitest'
import { proxyFor } from './proxy.ts'

const proxies = { https_proxy: 'http://secure:1', HTTP_PROXY: 'plain:2', no_proxy: 'a.io, .b.io,*.c.io d.io:5000,10.0.0.1,[::2]:443,::3' }

test.each([
  ['https://x.io/', 'http://secure:1'],
  ['http://x.io/', 'http://plain:2'],
  ['https://a.io/', undefined],
  ['https://sub.a.io/', undefined],
  ['https://aa.io/', 'http://secure:1'],
  ['https://sub.b.io/', undefined],
  ['https://sub.c.io/', undefined],
  ['https://d.io:5000/', undefined],
  ['https://d.io/', 'http://secure:1'],
  ['https://10.0.0.1/', undefined],
  ['https://10.0.0.11/', 'http://secure:1'],
  ['https://[::2]/', undefined],
  ['https://[::2]:444/', 'http://secure:1'],
  ['https://[::3]:444/', undefined],
  ['https://localhost/', undefined],
  ['https://127.0.0.2:5000/', undefined],
  ['https://[::1]/', undefined],
])('%s goes through %s', (address, proxy) => {
  expect(proxyFor(new URL(address), proxies)).toBe(proxy)
})

test('without variables, or with *, there is none', () => {
  expect(proxyFor(new URL('https://x.io'), {})).toBeUndefined()
  expect(proxyFor(new URL('https://x.io'), { ...proxies, no_proxy: '*' })).toBeUndefined()
})
