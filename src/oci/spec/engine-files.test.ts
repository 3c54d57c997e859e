import { expect, test } from 'vitest'
import { generated, someHost } from './spec.fixture.ts'

test('writes the host name, and the texts it is given', async () => {
  const { files, config } = await generated({}, someHost(), { network: { hosts: 'h', resolvConf: 'r' } })
  expect([files['hostname'], files['hosts'], files['resolv.conf']]).toEqual(['f00dfeedf00d\n', 'h', 'r'])
  expect(config.mounts).toContainEqual({
    destination: '/etc/resolv.conf',
    type: 'bind',
    source: '/run/x/resolv.conf',
    options: ['bind', 'rprivate'],
  })
})

test('leaves to the image what it is not given', async () => {
  const { files, config } = await generated({}, someHost(), { network: {} })
  expect(files).not.toHaveProperty('hosts')
  expect(config.mounts?.some(({ destination }) => destination === '/etc/hosts')).toBe(false)
})

test('.containerenv tells privileged containers what they are', async () => {
  expect((await generated({})).files['containerenv']).toBe('')
  const { files } = await generated({ privileged: true }, someHost(), { image: { id: 'abc', name: 'localhost/a:1' } })
  expect(files['containerenv']).toBe(
    `engine="libpod-ts"\nname="web"\nid="${'f00dfeed'.repeat(8)}"\nimage="localhost/a:1"\nimageid="abc"\nrootless=0\n`,
  )
})
