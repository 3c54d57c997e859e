import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sh, started } from '../support/containers.ts'
import { useEngine } from '../support/engine.ts'
import { member, newPod, sleeper } from '../support/pods.ts'
import { cgroupOfProcess, control, run } from './service.ts'

const engine = useEngine()
const limits = { memoryBytes: 48 * 1024 * 1024, cpus: 0.5, cpuShares: 512, cpusetCpus: '0', pidsLimit: 30 }
const written = {
  'memory.max': String(limits.memoryBytes),
  'cpu.max': '50000 100000',
  'cpu.weight': '20',
  'cpuset.cpus.effective': '0',
  'pids.max': '30',
}

async function readLimits(cgroup: string): Promise<Record<string, string>> {
  return Object.fromEntries(await Promise.all(Object.keys(written).map(async (file) => [file, await control(cgroup, file)] as const)))
}

describe('the scope of a container', () => {
  it('has its limits, and they limit', async () => {
    const container = await started(engine, ['sleep', '1000'], { ...limits, stopTimeoutMs: 0 })
    const { pid } = (await container.inspect()).state
    const cgroup = await cgroupOfProcess(pid)
    expect(cgroup).toContain(`/machine.slice/libpod-${container.id}.scope`)
    expect(await readLimits(cgroup)).toEqual(written)
    const { exitCode, stderr } = await container.exec(sh('for i in $(seq 40); do sleep 1000 <&- >&- 2>&- & done'))
    expect(exitCode).not.toBe(0)
    expect(stderr).toContain("can't fork")
    const { memory, pids } = await container.stats({ once: true })
    expect({ memory: memory.limitBytes, pids: pids.limit }).toEqual({ memory: limits.memoryBytes, pids: limits.pidsLimit })
    await container.remove({ force: true })
    expect(existsSync(`/sys/fs/cgroup/machine.slice/libpod-${container.id}.scope`)).toBe(false)
  })

  it('ends a container that takes more memory', async () => {
    const container = await started(engine, sh('x=$(head -c 60000000 /dev/zero | tr "\\0" x)'), limits)
    expect(await container.wait()).toMatchObject({ exitCode: 137 })
    await container.remove()
  })
})

describe('the slice of a pod', () => {
  it('has the pod’s limits, holds its containers, and goes with the pod', async () => {
    const pod = await newPod(engine, limits)
    const [a, b] = await Promise.all([sleeper(engine, pod), sleeper(engine, pod)])
    await pod.start()
    const slice = `machine-libpod_pod_${pod.id}.slice`
    const cgroup = `/machine.slice/${slice}`
    expect((await pod.inspect()).cgroup).toBe(slice)
    expect(await readLimits(cgroup)).toEqual(written)
    for (const { id } of await pod.containers()) {
      const { pid, monitorPid } = (await engine.runtime.containers.ref(id).inspect()).state
      expect(await cgroupOfProcess(pid)).toContain(`${cgroup}/libpod-${id}.scope`)
      expect(await cgroupOfProcess(monitorPid)).not.toContain(slice)
    }
    await a.exec(sh('for i in $(seq 12); do sleep 1000 <&- >&- 2>&- & done'))
    const forked = await b.exec(sh('for i in $(seq 25); do sleep 1000 <&- >&- 2>&- & done'))
    expect(forked.stderr, 'what one takes, the other has not').toContain("can't fork")
    await pod.stop()
    const eater = await member(engine, pod, sh('x=$(head -c 60000000 /dev/zero | tr "\\0" x)'))
    await eater.start()
    expect(await eater.wait()).toMatchObject({ exitCode: 137 })
    expect(await readLimits(cgroup), 'it has them still').toEqual(written)
    await pod.remove({ force: true })
    expect(existsSync(`/sys/fs/cgroup${cgroup}`)).toBe(false)
    expect(existsSync(`/run/systemd/transient/${slice}`)).toBe(false)
    expect(await run('systemctl', ['list-units', '--all', '--plain', '--no-legend', slice])).toBe('')
  })

  it('goes also where it has no limits', async () => {
    const pod = await newPod(engine)
    const a = await sleeper(engine, pod)
    await pod.start()
    const [, slice = ''] = /^\/machine\.slice\/([^/]+)\//.exec(await cgroupOfProcess((await a.inspect()).state.pid)) ?? []
    expect(slice).toBe((await pod.inspect()).cgroup)
    await pod.remove({ force: true })
    expect(existsSync(`/sys/fs/cgroup/machine.slice/${slice}`)).toBe(false)
  })
})
