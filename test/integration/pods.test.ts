import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile, readlink, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { PodFilters } from 'libpod-ts'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { sh } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'
import { cgroupOf, infraOf, isUnified, member, namespaceOf, newPod, sleeper } from '../support/pods.ts'
import { collect, failure } from '../support/results.ts'

const engine = useEngine()
/** Whether pods get slices. */
let isSystemd: boolean
beforeAll(async () => {
  isSystemd = (await engine.runtime.info()).cgroups.manager === 'systemd'
})

afterEach(async () => {
  for (const { id } of await engine.runtime.pods.list()) await engine.runtime.pods.ref(id).remove({ force: true })
})

describe('a pod', () => {
  it('has an infra container without an image, and lives as its containers do', async () => {
    const pod = await newPod(engine, { name: 'life', labels: { tier: 'web' } })
    const created = await pod.inspect()
    expect(created).toMatchObject({ id: pod.id, name: 'life', status: 'created', labels: { tier: 'web' }, share: ['net', 'ipc', 'uts'] })
    expect(created.containers).toEqual([{ id: created.infraId, name: `${pod.id.slice(0, 12)}-infra`, status: 'created', infra: true }])
    const web = await sleeper(engine, pod, { name: 'life-web' })
    expect(await pod.start()).toEqual({ changed: true })
    expect(await pod.start()).toEqual({ changed: false })
    expect(await pod.inspect()).toMatchObject({ status: 'running', containers: [{ infra: true }, { id: web.id, status: 'running' }] })
    const before = await namespaceOf(web, 'net')
    await pod.restart()
    expect(await pod.inspect()).toMatchObject({ status: 'running' })
    expect(await namespaceOf(web, 'net')).toBe(await namespaceOf(await infraOf(engine, pod), 'net'))
    await web.kill()
    expect(await pod.wait()).toMatchObject({ containers: [{ id: web.id, name: 'life-web', exitCode: 137 }] })
    expect(before).toMatch(/^net:/)
    expect(await pod.inspect()).toMatchObject({ status: 'degraded' })
    expect(await failure(pod.remove())).toMatchObject({ code: 'invalid-state', details: { kind: 'pod', verb: 'remove' } })
    expect(await pod.stop()).toEqual({ changed: true })
    expect(await pod.stop()).toEqual({ changed: false })
    expect(await pod.inspect()).toMatchObject({ status: 'exited' })
    expect(await pod.remove()).toEqual({ changed: true })
    expect(await failure(pod.remove())).toMatchObject({ code: 'not-found', details: { kind: 'pod', ref: pod.id } })
    expect(await pod.remove({ ifExists: true })).toEqual({ changed: false })
    expect(await failure(web.inspect())).toMatchObject({ code: 'not-found' })
  })

  it('is paused as one', async () => {
    const pod = await newPod(engine, { name: 'frozen' })
    const web = await sleeper(engine, pod, { name: 'frozen-web' })
    const seen: string[] = []
    const off = engine.runtime.on('pod', ({ action }) => void seen.push(action))
    await pod.start()
    try {
      expect(await pod.pause()).toEqual({ changed: true })
      expect(await pod.inspect()).toMatchObject({ status: 'paused', containers: [{ infra: true }, { id: web.id, status: 'paused' }] })
      expect(await pod.pause()).toEqual({ changed: false })
      expect(await pod.unpause()).toEqual({ changed: true })
      expect(await pod.inspect()).toMatchObject({ status: 'running' })
      expect(seen).toEqual(['start', 'pause', 'unpause'])
    } finally {
      off()
      await pod.remove({ force: true })
    }
  })

  it('shares network, IPC and host name, and its containers have their own files and processes', async () => {
    const pod = await newPod(engine, { name: 'sharing' })
    const [a, b] = await Promise.all([sleeper(engine, pod, { name: 'sharing-a' }), sleeper(engine, pod, { name: 'sharing-b' })])
    await pod.start()
    for (const kind of ['net', 'ipc', 'uts']) expect(await namespaceOf(a, kind), kind).toBe(await namespaceOf(b, kind))
    for (const kind of ['pid', 'mnt']) expect(await namespaceOf(a, kind), kind).not.toBe(await namespaceOf(b, kind))
    expect((await a.exec(['hostname'])).stdout).toBe('sharing\n')
    await a.exec(sh('echo there > /dev/shm/x; echo a > /tmp/own'))
    expect((await b.exec(sh('cat /dev/shm/x; cat /tmp/own 2>&1; hostname; cat /etc/hostname'))).stdout).toBe(
      "there\ncat: can't open '/tmp/own': No such file or directory\nsharing\nsharing\n",
    )
    const server = await member(engine, pod, sh('while true; do echo from the pod | nc -l -p 8000; done'), {
      name: 'sharing-c',
      stopTimeoutMs: 0,
    })
    await server.start()
    await expect.poll(async () => (await b.exec(sh('nc 127.0.0.1 8000'))).stdout, { timeout: 10_000 }).toBe('from the pod\n')
    await expect.poll(async () => (await b.exec(sh('nc sharing 8000'))).stdout, { timeout: 10_000 }).toBe('from the pod\n')
    const run = await engine.runtime.containers.run({ image, command: sh('hostname; nc 127.0.0.1 8000'), pod: 'sharing' })
    expect(run.stdout).toBe('sharing\nfrom the pod\n')
    await pod.remove({ force: true })
  })

  it('keeps its namespaces when a member goes and comes back', async () => {
    const pod = await newPod(engine)
    const [a, b] = await Promise.all([sleeper(engine, pod), sleeper(engine, pod)])
    await pod.start()
    const before = await Promise.all(['net', 'ipc', 'uts'].map((kind) => namespaceOf(a, kind)))
    await a.exec(sh('echo kept > /dev/shm/file'))
    await Promise.all([a.restart(), b.restart()])
    expect(await Promise.all(['net', 'ipc', 'uts'].map((kind) => namespaceOf(a, kind)))).toEqual(before)
    expect((await b.exec(['cat', '/dev/shm/file'])).stdout).toBe('kept\n')
    await pod.remove({ force: true })
  })

  it('starts its infra container with the first member, and again when somebody killed it', async () => {
    const pod = await newPod(engine)
    const a = await sleeper(engine, pod)
    expect(await a.start()).toEqual({ changed: true })
    expect(await pod.inspect()).toMatchObject({ status: 'running' })
    const infra = await infraOf(engine, pod)
    const first = (await infra.inspect()).state.pid
    await infra.kill()
    await infra.wait()
    await a.restart()
    expect(await namespaceOf(a, 'net')).toBe(await namespaceOf(infra, 'net'))
    expect((await infra.inspect()).state.pid).not.toBe(first)
    await pod.remove({ force: true })
    expect(await engine.runtime.pods.exists(pod.id)).toBe(false)
  })

  it('restarts a member by its policy, and not when the pod is stopped', async () => {
    const pod = await newPod(engine)
    const a = await sleeper(engine, pod, { restart: { policy: 'always' } })
    await pod.start()
    const { pid } = (await a.inspect()).state
    process.kill(pid ?? 0, 'SIGKILL')
    await expect.poll(async () => (await a.inspect()).state, { timeout: 10_000 }).toMatchObject({ status: 'running', restartCount: 1 })
    await pod.stop()
    expect(await pod.inspect()).toMatchObject({ status: 'exited' })
    expect((await a.inspect()).state.restartDueAt).toBeUndefined()
    await pod.remove()
  })

  it('shares what it is told to', async () => {
    const pod = await engine.runtime.pods.create({ name: 'choosing', share: ['pid', 'cgroup'] })
    const [a, b] = await Promise.all([sleeper(engine, pod, { network: 'none' }), sleeper(engine, pod, { pid: 'private' })])
    await pod.start()
    expect(await namespaceOf(a, 'pid')).toBe(await namespaceOf(await infraOf(engine, pod), 'pid'))
    expect(await namespaceOf(a, 'pid'), 'a member may keep out').not.toBe(await namespaceOf(b, 'pid'))
    for (const kind of ['net', 'uts', 'ipc']) expect(await namespaceOf(a, kind), kind).not.toBe(await namespaceOf(b, kind))
    expect((await a.exec(['ps', '-o', 'args'])).stdout).toContain('-P')
    await pod.remove({ force: true })

    const bare = await engine.runtime.pods.create({ infra: false })
    expect((await bare.inspect()).infraId).toBeUndefined()
    const c = await sleeper(engine, bare, { network: 'none' })
    await bare.start()
    expect(await bare.inspect()).toMatchObject({ status: 'running', containers: [{ id: c.id, infra: false }] })
    await bare.remove({ force: true })
  })

  it('with the host’s network', async () => {
    const pod = await engine.runtime.pods.create({ network: 'host' })
    const a = await sleeper(engine, pod)
    await pod.start()
    expect(await namespaceOf(a, 'net')).toBe(await readlink('/proc/self/ns/net'))
    expect((await a.exec(['cat', '/etc/hosts'])).stdout).toContain('localhost')
    await pod.remove({ force: true })
  })

  it('starts a member after the one it joins', async () => {
    const pod = await newPod(engine)
    const first = await sleeper(engine, pod)
    const second = await sleeper(engine, pod, { pid: { container: first.id } })
    const third = await sleeper(engine, pod, { pid: { container: second.id } })
    await pod.start()
    expect(await namespaceOf(third, 'pid')).toBe(await namespaceOf(first, 'pid'))
    await pod.remove({ force: true })
  })
})

/** The limits of the pod below: controller, file, and what is in it. */
const limitsHere: readonly (readonly [string, string, string])[] = isUnified
  ? [
      ['pids', 'pids.max', '30'],
      ['memory', 'memory.max', String(48 * 1024 * 1024)],
      ['cpu', 'cpu.max', '50000 100000'],
      ['cpu', 'cpu.weight', '20'],
      ['cpuset', 'cpuset.cpus', '0'],
    ]
  : [
      ['pids', 'pids.max', '30'],
      ['memory', 'memory.limit_in_bytes', String(48 * 1024 * 1024)],
      ['cpu', 'cpu.cfs_quota_us', '50000'],
      ['cpu', 'cpu.shares', '512'],
      ['cpuset', 'cpuset.cpus', '0'],
    ]

describe('the cgroup of a pod', () => {
  it('holds those of its containers, with limits that limit', async () => {
    const pod = await newPod(engine, {
      pidsLimit: 30,
      memoryBytes: 48 * 1024 * 1024,
      cpus: 0.5,
      cpuShares: 512,
      cpusetCpus: '0',
    })
    expect((await pod.inspect()).resources).toEqual({
      pidsLimit: 30,
      memoryBytes: 48 * 1024 * 1024,
      cpus: 0.5,
      cpuShares: 512,
      cpusetCpus: '0',
    })
    const [a, b] = await Promise.all([sleeper(engine, pod), sleeper(engine, pod)])
    await pod.start()
    const read = async ([controller, file]: readonly [string, string, string]): Promise<string> =>
      (await readFile(join(await cgroupOf(pod, controller), file), 'utf8')).trim()
    for (const limit of limitsHere) expect(await read(limit), limit[1]).toBe(limit[2])
    expect(
      (await readdir(await cgroupOf(pod, 'pids')))
        .filter((name) => name.startsWith('libpod-'))
        .map((name) => name.replace('.scope', ''))
        .sort(),
    ).toEqual([...(await pod.containers())].map(({ id }) => `libpod-${id}`).sort())
    expect((await a.exec(['nproc'])).stdout).toBe('1\n')
    // What one takes, the other has not.
    const fork = (count: number): readonly string[] => sh(`for i in $(seq ${count}); do sleep 1000 <&- >&- 2>&- & done`)
    await a.exec(fork(12))
    const { stderr, exitCode } = await b.exec(fork(25))
    expect(exitCode).not.toBe(0)
    expect(stderr).toContain("can't fork")
    const eater = await member(engine, pod, sh('x=$(head -c 60000000 /dev/zero | tr "\\0" x)'))
    await b.restart()
    await a.restart()
    await eater.start()
    expect(await eater.wait()).toMatchObject({ exitCode: 137 })
    const directory = await cgroupOf(pod, 'pids')
    await pod.stop()
    await expect.poll(() => existsSync(directory), { message: 'it is gone when nothing runs; only a slice stays' }).toBe(isSystemd)
    await pod.start()
    for (const limit of limitsHere) expect(await read(limit), `${limit[1]}: it is back with its limits`).toBe(limit[2])
    await pod.remove({ force: true })
    expect(existsSync(directory)).toBe(false)
  })

  it('is there without an infra container, too', async () => {
    const bare = await engine.runtime.pods.create({ infra: false })
    const only = await sleeper(engine, bare, { network: 'none' })
    await bare.start()
    expect((await readdir(await cgroupOf(bare, 'pids'))).some((name) => name.includes(only.id))).toBe(true)
    await bare.remove({ force: true })
  })

  it('also limits what is run to completion', async () => {
    const pod = await engine.runtime.pods.create({ infra: false, pidsLimit: 20 })
    const { stderr } = await engine.runtime.containers.run({
      image,
      pod: pod.id,
      network: 'none',
      command: sh('for i in $(seq 25); do sleep 0.1 & done; wait'),
    })
    expect(stderr).toContain("can't fork")
    await pod.remove()
  })

  it('lies where it is told', async () => {
    const cgroupParent = isSystemd ? 'libpod_pods_test.slice' : '/libpod-pods-test'
    const pod = await engine.runtime.pods.create({ cgroupParent, infra: false })
    const a = await sleeper(engine, pod, { network: 'none' })
    await pod.start()
    const expected = isSystemd ? `libpod_pods_test-libpod_pod_${pod.id}.slice:libpod:${a.id}` : `/libpod-pods-test/${pod.id}/libpod-${a.id}`
    expect((await a.inspect()).cgroupsPath).toBe(expected)
    expect((await readdir(await cgroupOf(pod, 'pids'))).some((name) => name.includes(a.id))).toBe(true)
    await pod.remove({ force: true })
    if (isSystemd) execFileSync('systemctl', ['stop', cgroupParent])
    else for (const tree of await readdir('/sys/fs/cgroup')) await rmdir(join('/sys/fs/cgroup', tree, cgroupParent)).catch(() => {})
  })
})

describe('what is told of a pod', () => {
  it('lists and filters', async () => {
    const { pods } = engine.runtime
    const [one, two] = await Promise.all([
      newPod(engine, { name: 'listed-one', labels: { a: '1', b: '2' } }),
      pods.create({ name: 'listed-two', labels: { a: '1' }, infra: false }),
    ])
    const a = await sleeper(engine, one, { name: 'listed-a' })
    await one.start()
    const names = async (filters: PodFilters): Promise<string[]> => (await pods.list({ filters })).map(({ name }) => name).sort()
    expect(await names({ name: 'listed' })).toEqual(['listed-one', 'listed-two'])
    expect(await names({ label: ['a=1', 'b'] })).toEqual(['listed-one'])
    expect(await names({ status: 'running' })).toEqual(['listed-one'])
    expect(await names({ status: ['running', 'created'] })).toEqual(['listed-one', 'listed-two'])
    expect(await names({ 'ctr-names': 'listed-a' })).toEqual(['listed-one'])
    expect(await names({ 'ctr-ids': a.id.slice(0, 10) })).toEqual(['listed-one'])
    expect(await names({ 'ctr-number': '2' })).toEqual(['listed-one'])
    expect(await names({ 'ctr-status': 'running' })).toEqual(['listed-one'])
    expect(await names({ id: two.id.slice(0, 12) })).toEqual(['listed-two'])
    expect(await failure(pods.list({ filters: { status: 'sleeping' } }))).toMatchObject({
      code: 'invalid-argument',
      details: { path: 'filters.status' },
    })
    expect((await pods.list()).find(({ id }) => id === one.id)).toEqual((({ resources: _, ...rest }) => rest)(await one.inspect()))
    const containers = await engine.runtime.containers.list({ filters: { pod: 'listed-one' } })
    expect(containers.map(({ id, infra = false, pod }) => ({ id, infra, pod }))).toEqual(
      (await one.containers()).map(({ id, infra }) => ({ id, infra, pod: one.id })).sort((x, y) => (x.id < y.id ? -1 : 1)),
    )
    expect((await pods.get('listed-two')).id).toBe(two.id)
    expect((await pods.find(one.id.slice(0, 12)))?.id).toBe(one.id)
    expect(await pods.find('nobody')).toBeUndefined()
    expect((await engine.runtime.info()).pods).toBeGreaterThanOrEqual(2)
    await Promise.all([one, two].map((pod) => pod.remove({ force: true })))
  })

  it('stats and processes', async () => {
    const pod = await newPod(engine)
    expect(await failure(pod.stats({ once: true }))).toMatchObject({ code: 'invalid-state' })
    const a = await member(engine, pod, sh('while true; do true; done'), { name: 'busy', stopTimeoutMs: 0 })
    await pod.start()
    const stats: number[] = []
    for await (const { cpu, containers, pids, memory } of pod.stats({ intervalMs: 200 })) {
      expect(containers.map(({ id }) => id)).toContain(a.id)
      expect(containers).toHaveLength(2)
      expect(pids.current).toBe(2)
      expect(memory.usedBytes).toBeGreaterThan(0)
      stats.push(cpu.percent)
      if (stats.length === 2) break
    }
    expect(stats[0]).toBe(0)
    expect(stats[1]).toBeGreaterThan(10)
    const { processes } = await pod.top({ fields: ['pid', 'args'] })
    expect(processes.map(([, args]) => args).sort()).toEqual(['/run/podman-init -P', 'sh -c while true; do true; done'])
    const samples = collect(pod.stats({ intervalMs: 50 }))
    await pod.stop()
    expect((await samples).length).toBeGreaterThan(0)
    expect(await failure(pod.top())).toMatchObject({ code: 'invalid-state' })
    expect(await failure(pod.kill())).toMatchObject({ code: 'invalid-state' })
    await pod.remove()
  })

  it('events', async () => {
    const seen: string[] = []
    const off = engine.runtime.on('pod', ({ action, name }) => void seen.push(`${action} ${name}`))
    const pod = await newPod(engine, { name: 'told' })
    await sleeper(engine, pod)
    await pod.start()
    await pod.kill('SIGUSR1')
    await pod.restart()
    await pod.stop()
    await pod.remove()
    off()
    expect(seen.map((text) => text.replace(' told', ''))).toEqual(['create', 'start', 'kill', 'stop', 'start', 'restart', 'stop', 'remove'])
  })

  it('kill goes to all of it', async () => {
    const pod = await newPod(engine)
    const a = await member(engine, pod, sh('trap "exit 9" USR1; echo up; sleep 1000 & wait'))
    const b = await sleeper(engine, pod)
    await pod.start()
    await a.waitUntil({ log: 'up' })
    await pod.kill('SIGUSR1')
    expect(await a.wait()).toMatchObject({ exitCode: 9 })
    await pod.kill()
    expect(await b.wait()).toMatchObject({ exitCode: 137 })
    await (await infraOf(engine, pod)).wait()
    expect(await pod.inspect()).toMatchObject({ status: 'exited' })
    await pod.remove()
  })
})

it('pods that have ended are pruned, with their containers', async () => {
  const { pods } = engine.runtime
  const [ended, running, fresh] = await Promise.all([newPod(engine), newPod(engine), newPod(engine)])
  const gone = await sleeper(engine, ended)
  await Promise.all([ended.start(), running.start()])
  await ended.stop()
  expect((await pods.prune()).removed).toEqual([ended.id])
  expect(await failure(gone.inspect())).toMatchObject({ code: 'not-found' })
  await running.stop()
  const report = await engine.runtime.prune()
  expect(report.pods).toEqual([running.id])
  expect(await fresh.inspect()).toMatchObject({ status: 'created' })
  await fresh.remove()
})

it('a host name of its own, also in the network of the host', async () => {
  const pod = await engine.runtime.pods.create({ network: 'host', hostname: 'db' })
  const one = await member(engine, pod, ['hostname'])
  await pod.start()
  await one.wait()
  expect((await collect(one.logs())).map(({ line }) => line)).toEqual(['db'])
  await pod.remove({ force: true })
})
