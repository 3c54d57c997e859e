import { describe, expect, it } from 'vitest'
import { normalizePorts, type PortOptions } from './ports-option.ts'

const refusal = (ports: readonly PortOptions[]): unknown => {
  try {
    return normalizePorts({ ports }, true)
  } catch (error) {
    return error
  }
}

describe('ports of the host', () => {
  it.each<readonly PortOptions[]>([
    [
      { container: 80, host: 18080 },
      { container: 81, host: 18080 },
    ],
    [
      { container: 80, host: 8000, range: 5 },
      { container: 90, host: 8003 },
    ],
    [
      { container: 80, host: 8003, hostIp: '127.0.0.1' },
      { container: 90, host: 8000, range: 4 },
    ],
  ])('are not given twice: %j, %j', (...ports) => {
    expect(refusal(ports)).toMatchObject({ code: 'invalid-argument', details: { path: 'ports[1].host' } })
  })

  it('may be the same for two protocols or addresses, and are not compared where they are chosen', () => {
    const ports: readonly PortOptions[] = [
      { container: 53, host: 5353 },
      { container: 53, host: 5353, protocol: 'udp' },
      { container: 80, host: 8080, hostIp: '127.0.0.1' },
      { container: 80, host: 8080, hostIp: '127.0.0.2' },
      { container: 1 },
      { container: 1 },
    ]
    expect(normalizePorts({ ports }, true).ports).toHaveLength(6)
  })
})
