import { describe, expect, it } from 'vitest'
import { image, useEngine } from '../support/engine.ts'

const engine = useEngine()

describe('limits', () => {
  it('memory: more than the limit is killed, and the container says so', async () => {
    const container = await engine.runtime.containers.create({
      image,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
      command: ['sh', '-c', 'x=$(head -c 200000000 /dev/zero | tr "\\0" x); echo ${#x}'],
      memoryBytes: 32 * 1024 * 1024,
      memorySwapBytes: 32 * 1024 * 1024,
      network: 'none',
    })
    await container.start()
    const { exitCode, oomKilled } = await container.wait()
    const { manager } = (await engine.runtime.info()).cgroups
    // systemd takes a cgroup away with its last process: conmon may come too late to read it (its issue 426).
    expect({ exitCode, oomKilled }).toEqual({ exitCode: 137, oomKilled: manager === 'systemd' ? expect.any(Boolean) : true })
    await container.remove()
  })

  it('processes: a fork bomb is held', async () => {
    const { stderr, exitCode } = await engine.runtime.containers.run({
      image,
      command: ['sh', '-c', 'for i in $(seq 100); do sleep 1 & done; wait'],
      pidsLimit: 20,
      network: 'none',
    })
    expect(exitCode).not.toBe(0)
    expect(stderr).toMatch(/fork|Resource temporarily unavailable/)
  })

  it('cpus: a busy loop gets its share and no more', async () => {
    const container = await engine.runtime.containers.create({
      image,
      command: ['sh', '-c', 'while :; do :; done'],
      cpus: 0.25,
      network: 'none',
    })
    await container.start()
    const samples: number[] = []
    for await (const { cpu } of container.stats({ intervalMs: 1000 })) {
      samples.push(cpu.percent)
      if (samples.length === 3) break
    }
    await container.remove({ force: true })
    expect(samples[0]).toBe(0)
    for (const percent of samples.slice(1)) expect(percent).toBeLessThan(40)
    expect(Math.max(...samples)).toBeGreaterThan(5)
  })

  it('stats and top tell of memory and processes', async () => {
    const container = await engine.runtime.containers.create({
      image,
      command: ['sh', '-c', 'sleep 100 & sleep 100 & wait'],
      memoryBytes: 64 * 1024 * 1024,
      pidsLimit: 33,
      user: 'guest',
      network: 'none',
    })
    await container.start()
    await expect.poll(async () => (await container.top()).processes.length).toBe(3)
    const stats = await container.stats({ once: true })
    expect(stats.memory.limitBytes).toBe(64 * 1024 * 1024)
    expect(stats.memory.usedBytes).toBeGreaterThan(0)
    expect(stats.pids).toEqual({ current: 3, limit: 33 })
    await container.remove({ force: true })
  })
})
