import { expect, it } from 'vitest'
import { requestText } from './request.ts'

it('ports in a row are one mapping', () => {
  const at = (hostPort: number, containerPort: number, more: object = {}) => ({
    protocol: 'tcp' as const,
    hostIp: '',
    hostPort,
    containerPort,
    ...more,
  })
  const ports = [
    at(8000, 80),
    at(8001, 81),
    at(8002, 82),
    at(8004, 83),
    at(8005, 84, { protocol: 'udp' }),
    at(8006, 85, { protocol: 'udp', hostIp: '127.0.0.1' }),
  ]
  const { port_mappings } = JSON.parse(requestText({ container: { id: 'c', name: 'c' }, networks: [], ports, dnsServers: [] })) as {
    port_mappings: object[]
  }
  expect(port_mappings).toEqual([
    { host_ip: '', container_port: 80, host_port: 8000, range: 3, protocol: 'tcp' },
    { host_ip: '', container_port: 83, host_port: 8004, range: 1, protocol: 'tcp' },
    { host_ip: '', container_port: 84, host_port: 8005, range: 1, protocol: 'udp' },
    { host_ip: '127.0.0.1', container_port: 85, host_port: 8006, range: 1, protocol: 'udp' },
  ])
})
