import { expect, test } from 'vitest'
import { defaultCgroupsPath } from './cgroups-path.ts'
import { generateExecProcess } from './exec-process.ts'
import { generateSpec } from './generate.ts'
import { generated, normalized, refusal, someAccounts, someHost, someId } from './spec.fixture.ts'
import { normalizeSpecOptions, type SpecOptions } from './spec-options.ts'

const many: SpecOptions = {
  command: ['-c', 'id'],
  entrypoint: ['/bin/sh'],
  env: { A: 'b' },
  workdir: '/w',
  tty: true,
  stdin: true,
  user: 'app:10',
  groups: ['wheel'],
  capAdd: ['net_admin'],
  capDrop: ['KILL'],
  security: { seccomp: 'unconfined', noNewPrivileges: true, mask: ['/a:/b'], unmask: ['all'], selinux: { processLabel: 'x' } },
  memoryBytes: 2 ** 26,
  cpus: 0.5,
  pidsLimit: 0,
  oomScoreAdj: 5,
  cgroupConf: { 'memory.high': '1' },
  ulimits: { NOFILE: 5, core: { soft: 0, hard: -1 } },
  hostname: 'h',
  network: 'host',
  pid: 'host',
  mounts: [
    { type: 'tmpfs', target: '/t/', sizeBytes: 4096, mode: 0o755, options: ['notmpcopyup'] },
    { type: 'bind', source: '/a//', target: '/b', readOnly: true },
  ],
  readOnly: true,
  devices: [{ source: '/dev/null' }],
  sysctls: { 'kernel.sem': '1' },
  annotations: { a: 'b' },
  init: true,
}

test('completed options are JSON, and complete themselves to themselves', async () => {
  for (const options of [{}, many, { uts: 'host' }, { ulimits: 'host' }] as SpecOptions[]) {
    const once = await normalized(options)
    expect(JSON.parse(JSON.stringify(once))).toEqual(once)
    const { args, ...again } = once
    expect(await normalized(again)).toEqual(once)
    expect(normalizeSpecOptions(once, { id: someId, host: someHost() })).toEqual(once)
    expect(args).toEqual(once.args)
  }
})

test('completed options have the image in them', async () => {
  const image = { env: ['X=1'], entrypoint: ['/e'], command: ['c'], workdir: '/i', user: 'app' }
  const once = await normalized({ command: [] }, someHost(), image)
  expect(once).toMatchObject({ args: ['/e', 'c'], env: { X: '1' }, workdir: '/i', user: 'app' })
  const { args: _, ...again } = once
  expect(await normalized(again, someHost(), { ...image, entrypoint: ['/other'], env: ['X=2'], user: 'root' })).toEqual(once)
})

test('the same input gives the same specification, and nothing is left undefined in it', async () => {
  const [first, second] = [await generated(many, someHost({ selinux: true })), await generated(many, someHost({ selinux: true }))]
  expect(first).toEqual(second)
  expect(JSON.stringify(first.config)).toBe(JSON.stringify(second.config))
  expect(findUndefined(first.config)).toEqual([])
})

function findUndefined(value: unknown, path = ''): string[] {
  if (value === undefined) return [path]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => findUndefined(inner, `${path}.${key}`))
}

test('writes annotations: libpod’s, the caller’s, and the compiled filter', async () => {
  const { config } = await generated({ annotations: { mine: '1' }, init: true }, someHost(), { stopSignal: 15, seccompBpf: 'AAAA' })
  expect(config.annotations).toEqual({
    'io.container.manager': 'libpod',
    'org.opencontainers.image.stopSignal': '15',
    'io.podman.annotations.init': 'TRUE',
    mine: '1',
    'run.oci.seccomp_bpf_data': 'AAAA',
  })
  expect(config.linux).toHaveProperty('seccomp')
})

test('writes down for Podman’s tools what is out of the ordinary', async () => {
  const options = { privileged: true, security: { seccomp: 'unconfined', apparmor: 'unconfined' } }
  expect((await generated(options, someHost(), { autoRemove: true })).config.annotations).toEqual({
    'io.container.manager': 'libpod',
    'io.podman.annotations.privileged': 'TRUE',
    'io.podman.annotations.autoremove': 'TRUE',
    'io.podman.annotations.seccomp': 'unconfined',
    'io.podman.annotations.apparmor': 'unconfined',
  })
})

test('nobody else hands a compiled filter over', async () => {
  expect(await refusal(normalized({ annotations: { 'run.oci.seccomp_bpf_data': 'AAAA' } }))).toMatchObject({
    code: 'invalid-argument',
    path: 'annotations.run.oci.seccomp_bpf_data',
  })
})

test('init: catatonit starts the program', async () => {
  const { config } = await generated({ init: true, command: ['sleep', '1'] })
  expect(config.process?.args).toEqual(['/run/podman-init', '--', 'sleep', '1'])
  expect(config.mounts).toContainEqual({
    destination: '/run/podman-init',
    type: 'bind',
    source: '/usr/bin/catatonit',
    options: ['bind', 'ro', 'rprivate'],
  })
  const { initPath: _, ...host } = someHost()
  expect(await refusal(generated({ init: true }, host))).toMatchObject({ code: 'unavailable', path: 'catatonit' })
})

test('is a pure function: the same again for the same, which it leaves as it was', async () => {
  const input = {
    id: someId,
    name: 'web',
    options: await normalized({ ...many, security: { seccomp: 'unconfined' } }),
    rootfs: '/r',
    bundle: '/b',
    cgroupsPath: '/x',
  }
  const given = { ...input, accounts: someAccounts, host: someHost() }
  const before = JSON.stringify(given)
  const first = JSON.stringify(generateSpec(given))
  expect(JSON.stringify(generateSpec(given))).toBe(first)
  expect(JSON.stringify(given)).toBe(before)
})

const exec = async (options: SpecOptions, exec: Parameters<typeof generateExecProcess>[0]['exec'], host = someHost()) =>
  generateExecProcess({ command: ['id'], options: await normalized(options), exec, accounts: someAccounts, host })

test('exec: the container’s own process with another program', async () => {
  const own = (await generated({ env: { A: '1' }, workdir: '/w', user: 'app', tty: true, init: true })).config.process
  expect(await exec({ env: { A: '1' }, workdir: '/w', user: 'app', tty: true, init: true }, {})).toEqual({
    ...own,
    terminal: undefined,
    args: ['id'],
    user: { ...own?.user, additionalGids: [10, 1001, 2000] },
  })
})

test('exec: environment, working directory, terminal and user of its own', async () => {
  const process = await exec({ env: { A: '1', B: '2' }, workdir: '/w' }, { env: { A: '3' }, workdir: '/x', tty: true, user: 'app' })
  expect(process).toMatchObject({ cwd: '/x', terminal: true, user: { uid: 1000, gid: 1001, additionalGids: [10, 1001, 2000] } })
  expect(process.env).toEqual(expect.arrayContaining(['A=3', 'B=2', 'HOME=/home/app', 'HOSTNAME=f00dfeedf00d']))
  expect(process.env.filter((entry) => entry.startsWith('A='))).toHaveLength(1)
})

test('exec: capabilities by user', async () => {
  const bounding = (await generated({ capAdd: ['NET_RAW'] })).config.process?.capabilities?.bounding
  expect((await exec({ capAdd: ['NET_RAW'] }, {})).capabilities).toEqual({ bounding, effective: bounding, permitted: bounding })
  expect((await exec({ capAdd: ['NET_RAW'] }, { user: 'app' })).capabilities).toEqual({ bounding })
  expect((await exec({ capAdd: ['NET_RAW'], user: 'app' }, {})).capabilities?.ambient).toEqual(['CAP_NET_RAW'])
  expect((await exec({ user: 'app' }, { user: 'root' })).capabilities?.effective).toHaveLength(11)
  expect((await exec({}, { privileged: true })).capabilities?.effective).toContain('CAP_SYS_ADMIN')
})

test('exec: refuses a user that is not there', async () => {
  expect(await refusal(exec({}, { user: 'nobody' }))).toMatchObject({ code: 'invalid-argument', path: 'user' })
})

test('exec: without root, the ids of its user count, and not those of the container’s', async () => {
  const host = someHost({ rootless: true, ids: { uids: 5000, gids: 5000 } })
  expect((await exec({ user: '7000:7000' }, { user: '1000:1000' }, host)).user).toMatchObject({ uid: 1000, gid: 1000 })
  expect(await refusal(exec({}, { user: '7000' }, host))).toMatchObject({ code: 'invalid-argument', path: 'user' })
})

test.each([
  [{ systemd: false }, `/libpod_parent/libpod-${someId}`],
  [{ systemd: false, parent: 'a//b/' }, `/a/b/libpod-${someId}`],
  [{ systemd: true }, `machine.slice:libpod:${someId}`],
  [{ systemd: true, delegatedControllers: ['pids'] }, `user.slice:libpod:${someId}`],
  [{ systemd: true, parent: 'my-own.slice' }, `my-own.slice:libpod:${someId}`],
])('cgroup path %j', (options, path) => {
  expect(defaultCgroupsPath({ id: someId, ...options })).toBe(path)
})

test.each([
  [{ systemd: false, parent: '/a/../..' }],
  [{ systemd: false, parent: 'my.slice' }],
  [{ systemd: true, parent: '/a' }],
  [{ systemd: true, parent: 'a:b.slice' }],
])('refuses the cgroup parent %j', async (options) => {
  expect(await refusal(() => defaultCgroupsPath({ id: someId, ...options }))).toMatchObject({
    code: 'invalid-argument',
    path: 'cgroupParent',
  })
})
