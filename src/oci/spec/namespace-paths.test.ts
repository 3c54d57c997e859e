import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readHostObjects } from './host-objects.ts'
import { normalized, refusal, someHost } from './spec.fixture.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'libpod-ts-namespaces-'))
  await writeFile(join(folder, 'file'), '')
  execFileSync('mkfifo', [join(folder, 'fifo')])
})
afterAll(() => rm(folder, { recursive: true }))

const read = async (options: object) => readHostObjects(await normalized(options), someHost())

test.each(['network', 'pid', 'ipc', 'uts', 'cgroupns'])('%s: what is no namespace is refused at its path', async (name) => {
  for (const value of [join(folder, 'fifo'), join(folder, 'file'), folder, '/dev/null', '/proc/self/status']) {
    expect(await refusal(read({ [name]: { path: value } }))).toMatchObject({ code: 'invalid-argument', path: `${name}.path` })
  }
})

test('namespaces are taken: of processes, and those of processes that ended', async () => {
  const all = { network: 'net', pid: 'pid', ipc: 'ipc', uts: 'uts', cgroupns: 'cgroup' }
  const options = Object.fromEntries(Object.entries(all).map(([name, kind]) => [name, { path: `/proc/${process.pid}/ns/${kind}` }]))
  await read(options)
  const child = spawn('sleep', ['600'])
  const path = `/proc/${child.pid}/ns/net`
  await read({ network: { path } })
  child.kill('SIGKILL')
  await once(child, 'exit')
  // Of a path that is not there the runtime tells: who had the namespace may have ended a moment ago.
  await read({ network: { path }, pid: { path: join(folder, 'none') } })
})
