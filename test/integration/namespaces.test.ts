import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, readlink, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunOptions } from 'libpod-ts'
import { describe, expect, it } from 'vitest'
import { sh, started } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'
import { readLinks } from '../support/machine.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()

const output = async (script: string, options: Partial<RunOptions> = {}): Promise<string> => {
  const { stdout, stderr, exitCode } = await engine.runtime.containers.run({ image, command: sh(script), network: 'none', ...options })
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  return stdout
}

describe('network', () => {
  it('none: loopback alone, and names for it', async () => {
    expect(await output('ls /sys/class/net; ip address show lo | grep -o "inet [0-9./]*"')).toBe('lo\ninet 127.0.0.1/8\n')
    const hosts = await output('cat /etc/hosts')
    expect(hosts).toMatch(/^127\.0\.0\.1\s+localhost/m)
    expect(hosts).toMatch(/^::1\s+localhost/m)
    expect(await output('cat /etc/resolv.conf 2>/dev/null || true')).not.toContain('nameserver 8')
  })

  it('host: the host’s own links, names and resolver', async () => {
    const links = (await output('ls /sys/class/net', { network: 'host' })).trim().split('\n').sort()
    expect(links).toEqual(await readLinks())
    expect(await output('hostname', { network: 'host' })).toBe(`${hostname()}\n`)
    const resolver = await readFile('/etc/resolv.conf', 'utf8').catch(() => '')
    for (const server of resolver.matchAll(/^nameserver .*$/gm))
      expect(await output('cat /etc/resolv.conf', { network: 'host' })).toContain(server[0])
  })

  it('another process’s', async () => {
    const other = await started(engine, ['sleep', '600'])
    const { state } = await other.inspect()
    const path = `/proc/${state.pid}/ns/net`
    expect((await output('readlink /proc/self/ns/net', { network: { path } })).trim()).toBe(await readlink(path))
    await other.remove({ force: true })
    expect((await failure(output('true', { network: { path: '/nowhere/net' } }))).code).toMatch(/invalid-argument|command-failed/)
  })
})

it('what is no namespace is refused at its path, and not waited for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'libpod-ts-fifo-'))
  try {
    const path = join(folder, 'fifo')
    execFileSync('mkfifo', [path])
    for (const name of ['network', 'pid', 'ipc', 'uts']) {
      const refused = await failure(engine.runtime.containers.run({ image, command: ['true'], network: 'none', [name]: { path } }))
      expect(refused).toMatchObject({ code: 'invalid-argument', details: { path: `${name}.path`, value: path } })
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})

describe('names', () => {
  it('the first digits of the id, or what was asked for', async () => {
    const container = await started(engine, ['sleep', '600'])
    const short = container.id.slice(0, 12)
    const { stdout } = await container.exec(sh('hostname; cat /etc/hostname; echo $HOSTNAME; grep -c $HOSTNAME /etc/hosts'))
    expect(stdout).toBe(`${short}\n${short}\n${short}\n1\n`)
    await container.remove({ force: true })
    expect(await output('hostname; cat /etc/hostname', { hostname: 'my.host-1' })).toBe('my.host-1\nmy.host-1\n')
    expect(await output('hostname', { uts: 'host' })).toBe(`${hostname()}\n`)
  })
})

describe('namespaces', () => {
  const namespaces = ['pid', 'net', 'ipc', 'uts', 'mnt'] as const
  const ofContainer = async (options: Partial<RunOptions>): Promise<Record<string, string>> => {
    const lines = (await output(`for n in ${namespaces.join(' ')}; do readlink /proc/self/ns/$n; done`, options)).trim().split('\n')
    return Object.fromEntries(namespaces.map((name, at) => [name, lines[at] ?? '']))
  }
  const ours = async (name: string): Promise<string> => readlink(`/proc/self/ns/${name}`)

  it('are the container’s own, unless the host’s are asked for', async () => {
    const own = await ofContainer({})
    for (const name of namespaces) expect(own[name]).not.toBe(await ours(name))
    const shared = await ofContainer({ network: 'host', pid: 'host', ipc: 'host', uts: 'host' })
    for (const name of ['pid', 'net', 'ipc', 'uts']) expect(shared[name]).toBe(await ours(name))
    expect(shared['mnt']).not.toBe(await ours('mnt'))
  })

  it('pid: the program is the first, or one of the host’s', async () => {
    expect(await output('echo $$; ls -d /proc/[0-9]* | wc -l')).toMatch(/^1\n[23]\n$/)
    expect(Number(await output('echo $$', { pid: 'host' }))).toBeGreaterThan(1)
  })

  it('pid: a container in the host’s is ended with all its processes', async () => {
    const container = await started(engine, sh('sleep 4711 & sleep 4711 & sleep 4711'), { pid: 'host' })
    await expect.poll(async () => (await container.top()).processes.length).toBe(3)
    await container.kill()
    await container.wait()
    await container.remove()
  })

  it('a monitor has a procfs of its own, unless the container is to see the host’s', async () => {
    const procfs = async (pid: number | undefined): Promise<number> =>
      (await readFile(`/proc/${String(pid)}/mountinfo`, 'utf8')).split('\n').filter((line) => / \/proc [^-]* - proc /.test(line)).length
    const more = async (options: Partial<RunOptions>): Promise<number> => {
      const container = await started(engine, ['sleep', '600'], options)
      const { state } = await container.inspect()
      const found = await procfs(state.monitorPid)
      await container.remove({ force: true })
      return found - (await procfs(process.pid))
    }
    expect(await more({})).toBe(1)
    expect(await more({ pid: 'host' })).toBe(0)
    expect(await more({ mounts: [{ type: 'bind', source: '/', target: '/host', readOnly: true }] })).toBe(0)
    expect(await more({ mounts: [{ type: 'bind', source: '/proc/sys', target: '/of-host', readOnly: true }] })).toBe(0)
    expect(await more({ mounts: [{ type: 'bind', source: '/etc', target: '/of-host', readOnly: true }] })).toBe(1)
  })

  it('can be another container’s', async () => {
    const other = await started(engine, ['sleep', '600'])
    const { state } = await other.inspect()
    const paths = {
      pid: { path: `/proc/${state.pid}/ns/pid` },
      ipc: { path: `/proc/${state.pid}/ns/ipc` },
      uts: { path: `/proc/${state.pid}/ns/uts` },
    }
    expect(await output('ps -o args | grep -c "^sleep 600"; hostname', paths)).toBe(`1\n${other.id.slice(0, 12)}\n`)
    await other.remove({ force: true })
  })

  it('shared memory is the container’s own, of the size asked for', async () => {
    expect(await output('df -k /dev/shm | tail -1 | awk "{print \\$2}"')).toBe('64000\n'.replace('64000', String(64 * 1024)))
    expect(await output('df -k /dev/shm | tail -1 | awk "{print \\$2}"', { shmSizeBytes: 1024 * 1024 })).toBe('1024\n')
  })
})
