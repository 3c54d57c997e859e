import { expect, test } from 'vitest'
import { generated, someHost } from './spec.fixture.ts'

const etc = { hosts: '# mine\n127.0.0.1 localhost # me\n\n10.0.0.1  db db.example\n', resolvConf: 'nameserver 10.0.0.53\n' }

test('writes the host name, the host’s names and the container’s own', async () => {
  const { files } = await generated({}, someHost(), { etc })
  expect(files['hostname']).toBe('f00dfeedf00d\n')
  expect(files['hosts']).toBe('127.0.0.1\tlocalhost\n10.0.0.1\tdb db.example\n::1\tlocalhost\n127.0.0.1\tf00dfeedf00d web\n')
  expect(files).not.toHaveProperty('resolv.conf')
})

test('with the host’s network: the host’s name servers, and no address of its own', async () => {
  const { files, config } = await generated({ network: 'host' }, someHost(), { etc })
  expect(files['resolv.conf']).toBe(etc.resolvConf)
  expect(files['hosts']).not.toContain('web')
  expect(config.mounts).toContainEqual({
    destination: '/etc/resolv.conf',
    type: 'bind',
    source: '/run/x/resolv.conf',
    options: ['bind', 'rprivate'],
  })
})

test('a network backend’s files prevail', async () => {
  const { files } = await generated({}, someHost(), { etc, network: { hosts: 'h', resolvConf: 'r' } })
  expect([files['hosts'], files['resolv.conf']]).toEqual(['h', 'r'])
})

test('no_hosts leaves the image’s own', async () => {
  const { files, config } = await generated({}, someHost({ defaults: { ...someHost().defaults, noHosts: true } }))
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
