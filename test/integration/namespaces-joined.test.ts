import { mkdir, readFile, readlink, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Container, RunOptions } from 'libpod-ts'
import { beforeAll, describe, expect, it } from 'vitest'
import { created, sh, started } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()
let owner: Container

beforeAll(async () => {
  owner = await started(engine, ['sleep', '1000'], { name: 'owner', hostname: 'theirs', cgroupns: 'private' })
})

const namespaceOf = async (container: Container, kind: string): Promise<string> =>
  readlink(`/proc/${String((await container.inspect()).state.pid)}/ns/${kind}`)

const run = async (script: string, options: Partial<RunOptions>): Promise<string> => {
  const { stdout, stderr } = await engine.runtime.containers.run({ image, command: sh(script), ...options })
  expect(stderr).toBe('')
  return stdout
}

describe('namespaces of another container', () => {
  it.each([
    ['network', 'net'],
    ['pid', 'pid'],
    ['ipc', 'ipc'],
    ['uts', 'uts'],
    ['cgroupns', 'cgroup'],
  ])('%s is joined, by name or id', async (option, kind) => {
    const joiner = await started(engine, ['sleep', '1000'], { [option]: { container: 'owner' } })
    expect(await namespaceOf(joiner, kind)).toBe(await namespaceOf(owner, kind))
    for (const other of ['net', 'pid', 'ipc', 'uts'].filter((name) => name !== kind))
      expect(await namespaceOf(joiner, other), other).not.toBe(await namespaceOf(owner, other))
    expect((await joiner.inspect()).options[option]).toEqual({ container: owner.id })
    const { stdout } = await joiner.exec(['readlink', `/proc/self/ns/${kind}`])
    expect(stdout.trim()).toBe(await namespaceOf(owner, kind))
    await joiner.remove({ force: true })
    await owner.exec(['true'])
  })

  it('network: an own host name, and the hosts of the other', async () => {
    await owner.exec(sh('echo 10.1.2.3 somewhere >> /etc/hosts'))
    expect(await run('hostname; cat /etc/hosts', { network: { container: owner.id }, hostname: 'mine' })).toMatch(
      /^mine\n[\s\S]*\stheirs owner\n[\s\S]*10\.1\.2\.3 somewhere/,
    )
    // Somebody who joins the joiner is where both are.
    const joiner = await started(engine, ['sleep', '1000'], { network: { container: owner.id } })
    expect(await run('cat /etc/hosts; echo 1.1.1.1 deep >> /etc/hosts', { network: { container: joiner.id } })).toContain('somewhere')
    expect((await owner.exec(['cat', '/etc/hosts'])).stdout).toContain('1.1.1.1 deep')
    await joiner.remove({ force: true })
  })

  it('network: ends, whatever became of the hosts file of the other', async () => {
    const other = await started(engine, ['sleep', '1000'], { network: 'none' })
    const joiner = await started(engine, ['sleep', '1000'], { network: { container: other.id } })
    const hosts = join(dirname((await other.inspect()).ociConfigPath), 'hosts')
    await rm(hosts)
    await mkdir(hosts)
    await joiner.kill()
    expect(await joiner.wait()).toMatchObject({ exitCode: 137 })
    await joiner.remove()
    await other.remove({ force: true })
  })

  it('network: what listens in one is there for the other', async () => {
    const server = await started(engine, sh('while true; do echo hello | nc -l -p 7777; done'), { network: { container: 'owner' } })
    await expect.poll(() => run('nc 127.0.0.1 7777 || true', { network: { container: 'owner' } }), { timeout: 10_000 }).toBe('hello\n')
    await server.remove({ force: true })
  })

  it('uts: the host name is that of the other, everywhere', async () => {
    expect(await run('hostname; cat /etc/hostname; echo $HOSTNAME', { uts: { container: 'owner' }, network: 'none' })).toBe(
      'theirs\ntheirs\ntheirs\n',
    )
    expect(await failure(created(engine, ['true'], { uts: { container: 'owner' }, hostname: 'mine' }))).toMatchObject({
      code: 'invalid-argument',
      details: { path: 'hostname' },
    })
  })

  it('ipc: shared memory of both kinds', async () => {
    await owner.exec(sh('echo theirs > /dev/shm/file'))
    const joiner = await started(engine, ['sleep', '1000'], { ipc: { container: 'owner' } })
    expect((await joiner.exec(sh('cat /dev/shm/file; echo mine > /dev/shm/mine'))).stdout).toBe('theirs\n')
    expect((await owner.exec(['cat', '/dev/shm/mine'])).stdout).toBe('mine\n')
    const flags = (await joiner.exec(['grep', ' /dev/shm ', '/proc/mounts'])).stdout
    expect(flags).toMatch(/^\S+ \/dev\/shm tmpfs rw,nosuid,nodev,noexec/)
    expect(await run('cat /dev/shm/mine', { ipc: { container: joiner.id }, network: 'none' }), 'through the joiner').toBe('mine\n')
    // The owner's end takes nothing away from who is there.
    await owner.stop({ timeoutMs: 0 })
    expect((await joiner.exec(['cat', '/dev/shm/mine'])).stdout).toBe('mine\n')
    await owner.start()
    expect((await owner.exec(['ls', '/dev/shm'])).stdout).toBe('')
    await joiner.remove({ force: true })
  })

  it('ipc of a container that has the host’s', async () => {
    const hosts = await started(engine, ['sleep', '1000'], { ipc: 'host' })
    const [theirs, ours] = await Promise.all([
      run('stat -f -c %i /dev/shm; stat -c %d /dev/shm', { ipc: { container: hosts.id }, network: 'none' }),
      hosts.exec(sh('stat -f -c %i /dev/shm; stat -c %d /dev/shm')),
    ])
    expect(theirs).toBe(ours.stdout)
    await hosts.remove({ force: true })
  })

  it('pid: all that a container leaves behind goes with it', async () => {
    const joiner = await started(engine, sh('trap "" HUP TERM; sleep 1003 & sleep 1003 & exec sleep 1002'), {
      pid: { container: 'owner' },
    })
    const list = async (): Promise<string> => (await owner.exec(['ps', '-o', 'args'])).stdout
    await expect.poll(list).toMatch(/sleep 1003\n[\s\S]*sleep 1003/)
    expect(await list()).toContain('sleep 1002')
    await joiner.stop({ timeoutMs: 100 })
    expect(await list()).not.toMatch(/sleep 100[23]/)
    await joiner.start()
    await joiner.exec(sh('kill -9 $(pidof -s sleep | head -1); true'))
    await joiner.remove({ force: true })
    expect(await list()).not.toMatch(/sleep 100[23]/)
  })
})

describe('a container whose namespaces are joined', () => {
  it('has to run', async () => {
    const other = await created(engine, ['sleep', '1000'], { name: 'other' })
    const joiner = await created(engine, ['true'], { name: 'joiner', network: { container: 'other' } })
    const refusal = { code: 'invalid-state', details: { ref: 'other', state: 'created', verb: 'join' }, hint: 'Start other first.' }
    expect(await failure(joiner.start())).toMatchObject(refusal)
    expect(await failure(engine.runtime.containers.run({ image, command: ['true'], ipc: { container: 'other' } }))).toMatchObject(refusal)
    expect((await joiner.inspect()).status).toBe('created')
    await other.start()
    await joiner.start()
    expect(await joiner.wait()).toMatchObject({ exitCode: 0 })
    await other.kill()
    await other.wait()
    expect(await failure(joiner.start())).toMatchObject({ ...refusal, details: { state: 'exited' } })
    expect(await failure(other.remove())).toMatchObject({ code: 'in-use', details: { users: [`container/${joiner.id}`] } })
    await joiner.remove()
    await other.remove()
  })

  it('has to be there', async () => {
    expect(await failure(created(engine, ['true'], { pid: { container: 'nobody' } }))).toMatchObject({
      code: 'not-found',
      details: { kind: 'container', ref: 'nobody' },
    })
  })

  it('gives away what is joined, and nothing else', async () => {
    const joiner = await started(engine, ['sleep', '1000'], { ipc: { container: 'owner' }, network: { container: 'owner' } })
    const monitor = (await joiner.inspect()).state.monitorPid
    const mounts = await readFile(`/proc/${String(monitor)}/mountinfo`, 'utf8')
    expect(mounts).toContain(`${joiner.id}/shm`)
    expect(mounts, 'nothing else of the owner came along').not.toContain(owner.id)
    await joiner.remove({ force: true })
  })
})
