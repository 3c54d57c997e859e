import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Runtime } from 'libpod-ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { busyboxRootfs } from '../../examples/busybox.ts'
import { image, testRuntime } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { Gate } from '../support/gate.ts'
import { type MachineState, machineState } from '../support/machine.ts'
import { cgroupOfProcess, type FoundContainer, HostService, type Report, run } from './service.ts'

const gate = new Gate()
let before: MachineState
let place: string
let service: HostService
let first: Report

async function withEngine<T>(work: (runtime: Runtime) => Promise<T>): Promise<T> {
  const runtime = await Runtime.open({ root: join(place, 'root'), runRoot: join(place, 'run'), oci: { runtime: testRuntime } })
  try {
    return await work(runtime)
  } finally {
    await runtime.close()
  }
}

beforeAll(async () => {
  before = await machineState()
  place = await mkdtemp(join(tmpdir(), 'libpod-ts-systemd-'))
  await withEngine(async ({ images, networks }) => {
    await images.import(busyboxRootfs(), { tag: image })
    await networks.create({ name: 'web' })
  })
  const counting = 'i=0; while true; do echo $i; i=$((i + 1)); sleep 0.2; done'
  service = new HostService({
    root: join(place, 'root'),
    runRoot: join(place, 'run'),
    report: join(place, 'report.json'),
    containers: [
      { name: 'counts', image, command: ['sh', '-c', counting], network: { networks: [{ name: 'web' }] }, stopTimeoutMs: 0 },
      { name: 'ends', image, network: 'none', ...gate.waiter(3) },
      { name: 'restarts', image, network: 'none', restart: { policy: 'on-failure', maxRetries: 1 }, ...gate.waiter(4) },
    ],
  })
  first = await service.start()
})

afterAll(async () => {
  await service.stop().catch(() => {})
  await withEngine(async ({ containers, networks }) => {
    for (const { id } of await containers.list()) await containers.ref(id).remove({ force: true, ifExists: true })
    await (await networks.get('web')).remove()
  })
  await rm(place, { recursive: true, force: true })
  gate.remove()
  await eventually(async () => expect(await machineState()).toEqual(before), 30_000)
})

const named = ({ found }: Report, name: string): FoundContainer => {
  const container = found.find((one) => one.name === name)
  if (container === undefined) throw new Error(`There is no container ${name}.`)
  return container
}

/** That a log is whole: what was counted, and nothing of it missing or twice. */
const expectCounted = (lines: readonly string[]): void => expect(lines).toEqual(lines.map((_, index) => String(index)))

it('puts containers and their monitors where stopping the service does not reach them', async () => {
  const hostCgroup = await cgroupOfProcess(first.pid)
  expect(hostCgroup).toBe(`/system.slice/${service.unit}`)
  for (const { id, pid, monitorPid, status } of first.found) {
    expect(status).toBe('running')
    expect(await cgroupOfProcess(pid)).toMatch(new RegExp(`^/machine\\.slice/libpod-${id}\\.scope(/container)?$`))
    expect(await cgroupOfProcess(monitorPid)).toBe('/machine.slice/libpod-conmon.service')
  }
  expect(await run('systemctl', ['is-active', 'libpod-conmon.service', `libpod-${first.found[0]?.id}.scope`])).toBe('active\nactive')
})

it('a restart of the service leaves them as they are, and the next instance goes on with them', async () => {
  const again = await service.restart()
  expect(again.pid).not.toBe(first.pid)
  const place = ({ id, pid, monitorPid }: FoundContainer): object => ({ id, pid, monitorPid })
  expect(again.found.map(place)).toEqual(first.found.map(place))
  const { lines } = named(again, 'counts')
  expect(lines.length).toBeGreaterThan(named(first, 'counts').lines.length)
  expectCounted(lines)
  const { stdout } = await withEngine(async (runtime) => (await runtime.containers.get('counts')).exec(['nslookup', 'counts.dns.podman']))
  expect(stdout, 'names are answered still').toMatch(/counts\.dns\.podman\s+Address[^\n]*: 10\./)
})

it('what happens while the service is stopped is logged and recorded', async () => {
  const { id, pid, monitorPid } = named(first, 'ends')
  await service.stop()
  expect(await run('systemctl', ['is-active', service.unit]).catch(({ stdout }) => String(stdout).trim())).toBe('inactive')
  expect(existsSync(`/proc/${pid}`)).toBe(true)
  gate.open(3)
  await eventually(() => expect(existsSync(`/proc/${monitorPid}`)).toBe(false), 120_000)
  const next = await service.start()
  expect(named(next, 'ends')).toMatchObject({ id, status: 'exited', exitCode: 3, lines: ['up'] })
  const counts = named(next, 'counts')
  expect(counts).toMatchObject({ status: 'running', pid: named(first, 'counts').pid })
  expectCounted(counts.lines)
})

it('another engine on the same root works with them too', async () => {
  await withEngine(async (runtime) => {
    const counts = await runtime.containers.get('counts')
    expect((await counts.exec(['cat', '/proc/1/comm'])).stdout).toBe('sh\n')
    const twice = await runtime.containers.get('restarts')
    expect(await twice.wait()).toMatchObject({ exitCode: 4 })
    expect((await twice.inspect()).state.restartCount).toBe(1)
    const { monitorPid } = (await counts.inspect()).state
    await counts.stop()
    expect((await counts.wait()).exitCode).toBe(137)
    await eventually(() => expect(existsSync(`/proc/${monitorPid}`)).toBe(false), 60_000)
  })
})
