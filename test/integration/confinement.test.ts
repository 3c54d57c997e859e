import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunOptions, RunResult } from 'libpod-ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { created, sh, started } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()
let place: string
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'libpod-ts-'))
})
afterAll(() => rm(place, { recursive: true, force: true }))

const run = (script: string, options: Partial<RunOptions> = {}): Promise<RunResult> =>
  engine.runtime.containers.run({ image, command: sh(script), network: 'none', ...options })
const output = async (script: string, options: Partial<RunOptions> = {}): Promise<string> => (await run(script, options)).stdout.trim()
const statusOf = async (options: Partial<RunOptions> = {}): Promise<Record<string, string>> =>
  Object.fromEntries((await output('cat /proc/self/status', options)).split('\n').map((line) => line.split(/:\s+/, 2) as [string, string]))

/** Chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, sys_chroot, setfcap: Podman's default. */
const defaultCapabilities = [0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 31].reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n)

describe('capabilities', () => {
  it('root has the default ones, and no other', async () => {
    const { CapEff = '', CapPrm = '', CapBnd = '', CapInh = '', CapAmb = '' } = await statusOf()
    for (const set of [CapEff, CapPrm, CapBnd]) expect(BigInt(`0x${set}`)).toBe(defaultCapabilities)
    for (const set of [CapInh, CapAmb]) expect(BigInt(`0x${set}`)).toBe(0n)
    const user = await statusOf({ user: 'guest' })
    expect([user['CapEff'], user['CapPrm'], user['CapAmb']].map((set) => BigInt(`0x${set}`))).toEqual([0n, 0n, 0n])
  })

  it('are added and dropped', async () => {
    const bits = async (options: Partial<RunOptions>): Promise<bigint> => BigInt(`0x${(await statusOf(options))['CapEff']}`)
    expect(await bits({ capDrop: ['ALL'] })).toBe(0n)
    expect(await bits({ capDrop: ['all'], capAdd: ['NET_ADMIN'] })).toBe(1n << 12n)
    expect(await bits({ capDrop: ['CAP_CHOWN'] })).toBe(defaultCapabilities & ~1n)
    expect(await bits({ capAdd: ['net_admin'], user: 'guest' })).toBe(1n << 12n)
    expect(await output('touch /x; chown 1 /x && echo may', { capDrop: ['CHOWN'] })).toBe('')
  })
})

describe('seccomp', () => {
  it('a filter is active, and refuses what it should', async () => {
    expect((await statusOf())['Seccomp']).toBe('2')
    expect((await statusOf({ security: { seccomp: 'unconfined' } }))['Seccomp']).toBe('0')
    const capAdd = ['SYS_ADMIN']
    expect((await run('swapoff /etc/passwd', { capAdd, security: { seccomp: 'unconfined' } })).stderr).toMatch(/Invalid argument/)
    expect((await run('swapoff /etc/passwd', { capAdd })).stderr).toMatch(/not permitted|not implemented/)
    expect((await run('mount -t tmpfs tmpfs /mnt')).exitCode).not.toBe(0)
    const container = await started(engine, ['sleep', '600'])
    expect((await container.exec(['grep', '^Seccomp:', '/proc/self/status'])).stdout).toBe('Seccomp:\t2\n')
    await container.remove({ force: true })
  })

  it('takes a profile of the caller’s', async () => {
    const profile = join(place, 'seccomp.json')
    await writeFile(
      profile,
      JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }] }),
    )
    expect((await run('mkdir /x', { security: { seccomp: profile } })).stderr).toMatch(/not permitted/)
    expect((await run('touch /x', { security: { seccomp: profile } })).exitCode).toBe(0)
  })

  it.each([
    ['that is not there', undefined, 'invalid-argument'],
    ['that is no JSON', 'nonsense', 'invalid-argument'],
    ['with an unknown action', '{"defaultAction":"SCMP_ACT_MAYBE"}', 'invalid-argument'],
  ])('refuses a profile %s', async (name, text, code) => {
    const profile = join(place, `${name}.json`)
    if (text !== undefined) await writeFile(profile, text)
    const container = await created(engine, ['true'], { security: { seccomp: profile } })
    const error = await failure(container.start())
    expect(error.code).toBe(code)
    expect(error.message).toContain(profile)
    await container.remove()
  })
})

it('a seccomp profile that is a fifo or a folder is refused, and not waited for', async () => {
  const fifo = join(place, 'fifo')
  execFileSync('mkfifo', [fifo])
  for (const seccomp of [fifo, place]) {
    const refused = await failure(run('true', { security: { seccomp } }))
    expect(refused).toMatchObject({ code: 'invalid-argument', details: { path: 'security.seccomp', value: seccomp } })
  }
})

describe('security', () => {
  it('noNewPrivileges is off or on', async () => {
    expect((await statusOf())['NoNewPrivs']).toBe('0')
    expect((await statusOf({ security: { noNewPrivileges: true } }))['NoNewPrivs']).toBe('1')
  })

  it('what is dangerous is hidden or read-only, unless it is asked for', async () => {
    expect(await output('cat /proc/kcore | wc -c; ls /sys/firmware | wc -l')).toBe('0\n0')
    expect((await run('echo 1 > /proc/sys/kernel/printk')).stderr).toMatch(/Read-only/)
    expect((await run('echo x > /sys/x')).exitCode).not.toBe(0)
    expect(await output('cat /etc/passwd | wc -c; ls /usr | wc -l', { security: { mask: ['/etc/passwd', '/usr'] } })).toBe('0\n0')
    expect((await run('echo name > /proc/sys/kernel/domainname', { security: { unmask: ['/proc/sys'] } })).exitCode).toBe(0)
    expect((await run('echo name > /proc/sys/kernel/domainname', { security: { unmask: ['ALL'] } })).exitCode).toBe(0)
  })

  it('privileged lifts it all', async () => {
    const { Seccomp, CapEff = '' } = await statusOf({ privileged: true })
    expect(Seccomp).toBe('0')
    expect(BigInt(`0x${CapEff}`) & defaultCapabilities).toBe(defaultCapabilities)
    expect((await run('mkdir /m; mount -t tmpfs tmpfs /m && ls /dev/null', { privileged: true })).exitCode).toBe(0)
  })
})

describe('mounts', () => {
  it('a read-only root file system, with room for temporary files', async () => {
    const { stdout, stderr } = await run('touch /x; touch /etc/x; for d in /tmp /run /var/tmp; do touch $d/x && echo $d; done', {
      readOnly: true,
    })
    expect(stderr.match(/Read-only/g)).toHaveLength(2)
    expect(stdout).toBe('/tmp\n/run\n/var/tmp\n')
    expect((await run('touch /tmp/x', { readOnly: true, readOnlyTmpfs: false })).stderr).toMatch(/Read-only/)
  })

  it('of folders and files, and in memory', async () => {
    await mkdir(join(place, 'folder'), { recursive: true })
    await writeFile(join(place, 'folder/file'), 'of the host\n')
    const mounts: RunOptions['mounts'] = [
      { type: 'bind', source: join(place, 'folder'), target: '/in' },
      { type: 'bind', source: join(place, 'folder/file'), target: '/etc/one', readOnly: true },
      { type: 'tmpfs', target: '/memory', sizeBytes: 1024 * 1024, mode: 0o1777, options: ['noexec'] },
    ]
    const { stdout, stderr } = await run(
      'cat /in/file /etc/one; echo x > /in/new; echo x > /etc/one; stat -c %a /memory; df -k /memory | tail -1 | awk "{print \\$2}"',
      { mounts },
    )
    expect(stdout).toBe('of the host\nof the host\n1777\n1024\n')
    expect(stderr).toMatch(/Read-only/)
    expect(await output('cat /in/new', { mounts })).toBe('x')
  })

  it('of what is not there are refused at the start', async () => {
    const container = await created(engine, ['true'], { mounts: [{ type: 'bind', source: '/nowhere/at/all', target: '/x' }] })
    const error = await failure(container.start())
    expect(error).toMatchObject({ code: 'invalid-argument', details: { path: 'mounts[0].source', value: '/nowhere/at/all' } })
    expect(error.hint).toBeDefined()
    await container.remove()
  })

  it('a device', async () => {
    expect((await run('dd if=/dev/mem of=/dev/null count=1')).exitCode).not.toBe(0)
    expect(
      await output('test -c /dev/rnd && head -c 8 /dev/rnd | wc -c', {
        devices: [{ source: '/dev/urandom', target: '/dev/rnd', permissions: 'r' }],
      }),
    ).toBe('8')
    for (const source of ['/etc/passwd', '/']) {
      expect(await failure(run('true', { devices: [{ source }] }))).toMatchObject({
        code: 'invalid-argument',
        details: { path: 'devices[0].source', value: source },
      })
    }
    expect(await engine.runtime.containers.list()).toEqual([])
  })
})
