import type { CreateContainerOptions } from 'libpod-ts'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { created } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'
import { type Footprint, footprint } from '../support/footprint.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()
let before: Footprint
beforeAll(async () => {
  before = await footprint(engine)
})
afterAll(() => vi.waitFor(async () => expect(await footprint(engine)).toEqual(before), { timeout: 10_000, interval: 100 }))

type Case = readonly [options: Record<string, unknown>, path: string, message?: RegExp]

/** Each is refused by `create`, `run` and `ephemeral`, before anything is made. */
const cases: readonly Case[] = [
  [{ image: undefined }, 'image', /image or a rootfs/],
  [{ rootfs: '/tmp' }, 'image', /not both/],
  [{ image: 7 }, 'image', /expected string/],
  [{ image: '' }, 'image'],
  [{ image: 'Not A Name' }, 'image'],
  [{ image: undefined, rootfs: 'relative' }, 'rootfs', /absolute/],
  [{ image: undefined, rootfs: '/nowhere/at/all' }, 'rootfs', /\/nowhere\/at\/all/],
  [{ image: undefined, rootfs: '/etc/passwd' }, 'rootfs', /folder/],
  [{ comand: ['true'] }, 'comand', /Did you mean command/],
  [{ memory: '64m' }, 'memory', /Did you mean memoryBytes/],
  [JSON.parse('{"__proto__":{"privileged":true}}'), '__proto__'],
  [JSON.parse('{"constructor":{"prototype":{"privileged":true}}}'), 'constructor'],
  [{ command: 'true' }, 'command', /array/],
  [{ command: [1] }, 'command[0]', /string/],
  [{ command: ['a\0b'] }, 'command[0]', /NUL/],
  [{ entrypoint: ['/bin/sh\0'] }, 'entrypoint[0]', /NUL/],
  [{ env: { A: 'x\0y' } }, 'env.A', /NUL/],
  [{ env: { 'A=B': 'x' } }, 'env.A=B', /name of an environment variable/],
  [{ env: { '': 'x' } }, 'env.'],
  [{ env: { A: 1 } }, 'env.A', /string/],
  [{ env: ['A=1'] }, 'env'],
  [{ workdir: 'relative' }, 'workdir', /absolute/],
  [{ workdir: '/a\0b' }, 'workdir', /NUL/],
  [{ user: 'a:b:c' }, 'user'],
  [{ user: '99999999999' }, 'user', /largest id/],
  [{ groups: [''] }, 'groups[0]'],
  [{ name: '' }, 'name', /valid name/],
  [{ name: '-x' }, 'name'],
  [{ name: 'a/b' }, 'name'],
  [{ name: '../x' }, 'name'],
  [{ name: 'ä' }, 'name'],
  [{ name: 'x\n' }, 'name'],
  [{ name: 'x'.repeat(256) }, 'name'],
  [{ hostname: 'under score!' }, 'hostname'],
  [{ hostname: 'x'.repeat(65) }, 'hostname', /64/],
  [{ hostname: 'x', uts: 'host' }, 'hostname', /host/],
  [{ labels: { a: 1 } }, 'labels.a'],
  [{ labels: 'a=b' }, 'labels'],
  [{ restart: 'always' }, 'restart'],
  [{ restart: { policy: 'sometimes' } }, 'restart.policy', /on-failure/],
  [{ restart: { policy: 'on-failure', maxRetries: -1 } }, 'restart.maxRetries'],
  [{ restart: { policy: 'always' }, autoRemove: true }, 'autoRemove'],
  [{ runtime: 7 }, 'runtime'],
  [{ log: { driver: 'syslog' } }, 'log.driver', /k8s-file/],
  [{ log: { path: 'x' } }, 'log.path', /absolute/],
  [{ log: { maxSizeBytes: 10 } }, 'log.maxSizeBytes', /4096/],
  [{ log: { size: 1 } }, 'log.size', /options are driver, maxSizeBytes, path/],
  [{ stopSignal: 'SIGNOTHING' }, 'stopSignal', /SIGTERM/],
  [{ stopSignal: 0 }, 'stopSignal'],
  [{ stopTimeoutMs: -1 }, 'stopTimeoutMs'],
  [{ stopTimeoutMs: Number.NaN }, 'stopTimeoutMs'],
  [{ stopTimeoutMs: Number.POSITIVE_INFINITY }, 'stopTimeoutMs'],
  [{ cgroupParent: '' }, 'cgroupParent'],
  [{ cgroupParent: '../../outside' }, 'cgroupParent'],
  [{ cgroupParent: '/a\0b' }, 'cgroupParent'],
  [{ memoryBytes: '64m' }, 'memoryBytes', /number/],
  [{ memoryBytes: Number.NaN }, 'memoryBytes'],
  [{ memoryBytes: Number.POSITIVE_INFINITY }, 'memoryBytes'],
  [{ memoryBytes: 1.5 }, 'memoryBytes', /int/],
  [{ memoryBytes: -5 }, 'memoryBytes'],
  [{ memoryBytes: 2 ** 60 }, 'memoryBytes'],
  [{ memorySwapBytes: 2 ** 25, memoryBytes: 2 ** 26 }, 'memorySwapBytes'],
  [{ memorySwapBytes: 2 ** 25 }, 'memorySwapBytes', /memoryBytes/],
  [{ cpus: -1 }, 'cpus'],
  [{ cpus: 0.001 }, 'cpus'],
  [{ cpus: Number.NaN }, 'cpus'],
  [{ cpus: 1, cpuQuota: 10_000 }, 'cpus'],
  [{ cpusetCpus: 'all' }, 'cpusetCpus'],
  [{ pidsLimit: -2 }, 'pidsLimit'],
  [{ oomScoreAdj: 2000 }, 'oomScoreAdj', /1000/],
  [{ ulimits: { nofiles: 1 } }, 'ulimits.nofiles', /limit/],
  [{ ulimits: { nofile: { soft: 10, hard: 5 } } }, 'ulimits.nofile'],
  [{ capAdd: ['CAP_MAGIC'] }, 'capAdd[0]', /CAP_MAGIC/],
  [{ capAdd: ['CHOWN'], capDrop: ['chown'] }, 'capDrop[0]'],
  [{ capAdd: 'ALL' }, 'capAdd'],
  [{ privileged: 'yes' }, 'privileged'],
  [{ security: { seccomp: 'off' } }, 'security.seccomp', /absolute/],
  [{ security: { secomp: 'unconfined' } }, 'security.secomp', /Did you mean seccomp/],
  [{ security: { mask: ['proc'] } }, 'security.mask[0]', /absolute/],
  [{ network: 'bridge' }, 'network', /'none', 'host'/],
  [{ network: { path: 'x' } }, 'network.path', /absolute/],
  [{ pid: 'container' }, 'pid'],
  [{ mounts: [{ type: 'floppy', source: 'x', target: '/x' }] }, 'mounts[0].type', /'tmpfs' or 'volume'/],
  [{ mounts: [{ type: 'volume', source: '/x', target: '/x' }] }, 'mounts[0].source', /valid name/],
  [{ mounts: [{ type: 'volume', source: '', target: '/x' }] }, 'mounts[0].source'],
  [{ mounts: [{ type: 'volume', source: 'x' }] }, 'mounts[0].target'],
  [{ mounts: [{ type: 'volume', source: 'x', target: '/x', driver: 'nfs' }] }, 'mounts[0].driver', /drivers are local/],
  [{ mounts: [{ type: 'volume', source: 'x', target: '/x', noCopy: true }] }, 'mounts[0].noCopy', /Did you mean copy|options are/],
  [{ mounts: [{ type: 'volume', target: '/x', options: ['size=1'] }] }, 'mounts[0].options', /tmpfs only/],
  [{ mounts: [{ type: 'bind', source: '/x', target: '/x', options: ['nocopy'] }] }, 'mounts[0].options', /volumes only/],
  [{ mounts: [{ type: 'image', target: '/x' }] }, 'mounts[0].source'],
  [{ mounts: [{ type: 'image', source: 'Not A Name', target: '/x' }] }, 'mounts[0].source', /name of an image/],
  [{ imageVolumes: 'bind' }, 'imageVolumes', /anonymous/],
  [{ mounts: [{ type: 'bind', source: 'x', target: '/x' }] }, 'mounts[0].source', /absolute/],
  [{ mounts: [{ type: 'bind', source: '/x', target: '/' }] }, 'mounts[0].target', /root/],
  [{ mounts: [{ type: 'bind', source: '/x' }] }, 'mounts[0].target'],
  [{ mounts: [{ type: 'tmpfs', target: '/x', size: 1 }] }, 'mounts[0].size', /Did you mean sizeBytes/],
  [{ mounts: [{ type: 'tmpfs', target: '/x', options: ['bind'] }] }, 'mounts[0].options', /bind mounts only/],
  [
    {
      mounts: [
        { type: 'tmpfs', target: '/x' },
        { type: 'tmpfs', target: '/x/' },
      ],
    },
    'mounts[1].target',
    /already/,
  ],
  [{ devices: [{ source: '/dev/null', permissions: 'x' }] }, 'devices[0].permissions'],
  [{ sysctls: { nonsense: '1' } }, 'sysctls.nonsense'],
  [{ shmSizeBytes: 0 }, 'shmSizeBytes'],
  [{ stopTimeoutMs: 2 ** 31 }, 'stopTimeoutMs', /2147483647/],
  [{ log: { path: '/logs/10:00.log' } }, 'log.path', /colon/],
  [{ tty: 1 }, 'tty'],
  [{ signal: 'SIGTERM' }, 'signal', /AbortSignal/],
]

describe.each(cases.map(([options, path, message = /./]) => ({ options, path, message })))('$options', ({ options, path, message }) => {
  it(`is refused at ${path}`, async () => {
    const { containers } = engine.runtime
    const given = { image, network: 'none', command: ['true'], ...options } as CreateContainerOptions
    if (Object.hasOwn(options, '__proto__')) Object.defineProperty(given, '__proto__', { value: {}, enumerable: true })
    const verbs: (() => PromiseLike<unknown>)[] = [() => containers.create(given)]
    // What these two do not take at all is said first.
    if (!('restart' in options || 'log' in options || 'tty' in options))
      verbs.push(
        () => containers.run(given),
        () => containers.ephemeral(given),
      )
    for (const verb of verbs) {
      const error = await failure(verb())
      expect(error).toMatchObject({ code: 'invalid-argument', details: { path } })
      expect(error.message).toMatch(message)
      expect(error.message.startsWith(`${path}: `)).toBe(true)
      expect(error.message.length).toBeLessThan(700)
    }
  })
})

it.each([undefined, null, 'busybox', 7, []])('create(%j) is refused', async (options) => {
  const { containers } = engine.runtime
  const given = options as never
  for (const verb of [() => containers.create(given), () => containers.run(given), () => containers.ephemeral(given)])
    expect((await failure(verb())).code).toBe('invalid-argument')
})

it('no time is longer than a timer can wait: it would be over at once', async () => {
  const container = await created(engine, ['true'])
  const tooLong = 2 ** 31
  for (const [verb, path] of [
    [() => container.stop({ timeoutMs: tooLong }), 'timeoutMs'],
    [() => container.exec(['true'], { timeoutMs: tooLong }), 'timeoutMs'],
    [() => container.stats({ intervalMs: tooLong })[Symbol.asyncIterator]().next(), 'intervalMs'],
    [() => container.waitUntil({ predicate: () => true, everyMs: tooLong }), 'condition.everyMs'],
  ] as const)
    expect(await failure(verb())).toMatchObject({ code: 'invalid-argument', details: { path } })
  await container.remove()
})

it('prune takes no text for yes', async () => {
  const { runtime } = engine
  for (const [verb, path] of [
    [() => runtime.prune({ volumes: 'false' } as never), 'volumes'],
    [() => runtime.prune({ all: 1 } as never), 'all'],
    [() => runtime.prune({ volume: true } as never), 'volume'],
    [() => runtime.images.prune({ all: 'yes' } as never), 'all'],
  ] as const)
    expect(await failure(verb())).toMatchObject({ code: 'invalid-argument', details: { path } })
  expect(await failure(runtime.images.save('busybox' as never, { path: '/tmp/never' }))).toMatchObject({
    code: 'invalid-argument',
    details: { path: 'images' },
  })
})

describe('what run and ephemeral do not take', () => {
  it.each<[Record<string, unknown>, string]>([
    [{ tty: true }, 'tty'],
    [{ stdin: true }, 'stdin'],
    [{ autoRemove: true }, 'autoRemove'],
    [{ restart: { policy: 'always' } }, 'restart'],
    [{ log: { driver: 'none' } }, 'log'],
    [{ input: 7 }, 'input'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ timeoutMs: Number.NaN }, 'timeoutMs'],
    [{ timeoutMs: Number.POSITIVE_INFINITY }, 'timeoutMs'],
    [{ timeoutMs: 2 ** 31 }, 'timeoutMs'],
    [{ maxOutputBytes: -1 }, 'maxOutputBytes'],
    [{ encoding: 'latin1' }, 'encoding'],
  ])('run: %j', async (options, path) => {
    const given = { image, network: 'none', command: ['true'], ...options } as never
    expect(await failure(engine.runtime.containers.run(given))).toMatchObject({ code: 'invalid-argument', details: { path } })
  })

  it('ephemeral: a restart policy', async () => {
    const given = { image, command: ['true'], restart: { policy: 'always' } } as const
    expect(await failure(engine.runtime.containers.ephemeral(given))).toMatchObject({
      code: 'invalid-argument',
      details: { path: 'restart' },
    })
  })
})

it('nothing of Object.prototype is taken for an option, nor changed', async () => {
  const container = await created(engine, ['true'], {
    labels: JSON.parse('{"__proto__":"x","constructor":"y"}'),
    env: JSON.parse('{"__proto__":"x"}'),
  })
  const { labels, options } = await container.inspect()
  expect(Object.entries(labels)).toContainEqual(['constructor', 'y'])
  expect(Object.hasOwn(options['env'] as object, '__proto__') || !('x' in {})).toBe(true)
  expect(({} as Record<string, unknown>)['privileged']).toBeUndefined()
  await container.remove()
})

it('a listener and a size are what they must be, and so is a name', async () => {
  const { runtime } = engine
  expect(() => runtime.on('foo' as never, () => {})).toThrow(/type: must be one of/)
  expect(() => runtime.on('container', undefined as never)).toThrow(/listener: must be a function/)
  expect((await failure(runtime.volumes.get(undefined as never))).code).toBe('invalid-argument')
  const container = await created(engine, ['cat'], { tty: true, stdin: true })
  await container.start()
  const session = await container.attach({ stdin: true })
  const program = await container.spawn(['sleep', '60'], { tty: true })
  for (const size of [
    undefined,
    { rows: '1\n2 0 0' },
    { rows: -1, columns: 1 },
    { rows: 1, columns: Number.NaN },
    { rows: 1e9, columns: 1 },
  ])
    for (const resize of [session, program]) expect((await failure(resize.resize(size as never))).code).toBe('invalid-argument')
  await session.close()
  await container.remove({ force: true })
  await program.wait().catch(() => {})
})
