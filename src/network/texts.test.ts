import { expect, test } from 'vitest'
import { hostsText } from './hosts.ts'
import { resolvConfText } from './resolv-conf.ts'

const base = '# mine\n127.0.0.1 localhost # me\n\n10.0.0.1  db db.example\n'

test('hosts: what was asked for, the host’s, what must not be missing, the host itself, the container', () => {
  const own = [{ address: '10.88.0.2', names: ['f00d', 'web'] }]
  expect(hostsText({ base, extra: [{ address: '1.2.3.4', names: ['x'] }], host: '192.0.2.1', own })).toBe(
    '1.2.3.4\tx\n127.0.0.1\tlocalhost\n10.0.0.1\tdb db.example\n::1\tlocalhost\n192.0.2.1\thost.containers.internal host.docker.internal\n10.88.0.2\tf00d web\n',
  )
  expect(hostsText({ base: '', extra: [], own: [] })).toBe('127.0.0.1\tlocalhost\n::1\tlocalhost\n')
})

const nothing = { sharesHost: false, ipv6: false, servers: [], searches: [], options: [], networkServers: [], networkSearches: [] }

test('resolv.conf: the networks’ servers first, then those of the host that can be reached', () => {
  const host = 'nameserver 127.0.0.53\nnameserver 10.0.0.53\nnameserver fd00::53\nsearch example\noptions edns0\n'
  expect(resolvConfText({ ...nothing, host })).toBe('search example\nnameserver 10.0.0.53\noptions edns0\n')
  expect(resolvConfText({ ...nothing, host, networkServers: ['10.89.0.1'], networkSearches: ['dns.podman'] })).toBe(
    'search dns.podman example\nnameserver 10.89.0.1\nnameserver 10.0.0.53\noptions edns0\n',
  )
  expect(resolvConfText({ ...nothing, host, sharesHost: true, ipv6: true })).toContain('nameserver 127.0.0.53\n')
  expect(resolvConfText({ ...nothing, host: '' })).toBe('nameserver 8.8.8.8\nnameserver 8.8.4.4\n')
  const both = 'nameserver 10.0.0.53\ndomain one.example\nsearch two.example three.example\n'
  expect(resolvConfText({ ...nothing, host: both })).toContain('search two.example three.example\n')
  expect(resolvConfText({ ...nothing, host: 'nameserver 10.0.0.53\nsearch two.example\ndomain one.example\n' })).toContain(
    'search one.example\n',
  )
  expect(resolvConfText({ ...nothing, host, servers: ['1.1.1.1'], searches: ['.'], options: ['ndots:2'] })).toBe(
    'nameserver 1.1.1.1\noptions ndots:2\n',
  )
})
