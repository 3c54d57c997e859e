import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defaultContainersConf } from './containers-conf.ts'
import { readEnvironment } from './environment.ts'
import { defaultPaths } from './paths.ts'
import { readConfig } from './read-config.ts'

let base = ''
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'libpod-ts-config-'))
})
afterEach(() => rm(base, { recursive: true }))

async function put(path: string, text: string): Promise<string> {
  const full = join(base, path)
  await mkdir(dirname(full), { recursive: true })
  await writeFile(full, text)
  return full
}

const system = 'etc/containers/containers.conf'
const read = (env: Record<string, string> = {}, uid = 0) =>
  readConfig({ base, uid, root: '/r', runRoot: '/rr', environment: readEnvironment({ HOME: join(base, 'home'), PATH: '/bin', ...env }) })

async function failure(work: Promise<unknown>): Promise<{ code: string; path: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (reason: { code: string; details: { path: string }; message: string }) => reason,
  )
  if (error === undefined) throw new Error('It was not refused.')
  return { code: error.code, path: error.details.path, message: error.message }
}

test('missing files are fine', async () => {
  const config = await read()
  expect(config).toMatchObject({ ...defaultContainersConf, files: [], root: '/r', runRoot: '/rr', rootless: false })
})

test('is frozen through and through', async () => {
  const config = await read()
  expect(() => Object.assign(config.containers.defaultSysctls, { a: 'b' })).toThrow(TypeError)
  expect(() => Object.assign(config, { root: '/x' })).toThrow(TypeError)
})

test('takes the keys it uses and passes over the others', async () => {
  await put(
    system,
    `
[containers]
annotations = ["a=b"]
apparmor_profile = "mine"
cgroupns = "host"
default_capabilities = ["CHOWN"]
default_sysctls = ["net.a=1 2", "broken"]
default_ulimits = ["nofile=1:2", "core=-1"]
devices = ["/dev/fuse"]
env = ["A=b=c"]
dns_options = ["ndots:2"]
dns_searches = ["example"]
dns_servers = ["10.0.0.53"]
host_containers_internal_ip = "10.0.0.1"
http_proxy = false
init = true
ipcns = "shareable"
netns = "bridge"
no_hosts = true
pids_limit = 7
read_only = true
seccomp_profile = "/s.json"
shm_size = "1m"
umask = "0077"
utsns = ""
unknown_key = 5
[engine]
cgroup_manager = "systemd"
conmon_env_vars = ["X=y"]
conmon_path = ["/c"]
init_path = "/i"
runtime = "runc"
stop_timeout = 3
[engine.runtimes]
runc = ["/a", "/b"]
[network]
firewall_driver = "x"
default_network = "mine"
default_subnet = "10.1.0.0/16"
default_subnet_pools = [{ base = "10.2.0.0/16", size = 28 }]
dns_bind_port = 54
`,
  )
  const { containers, engine, network, files, monitorEnv } = await read()
  expect(containers).toEqual({
    annotations: { a: 'b' },
    apparmorProfile: 'mine',
    cgroupns: 'host',
    defaultCapabilities: ['CHOWN'],
    defaultSysctls: { 'net.a': '1 2' },
    defaultUlimits: { nofile: { soft: 1, hard: 2 }, core: { soft: -1, hard: -1 } },
    devices: ['/dev/fuse'],
    dnsOptions: ['ndots:2'],
    dnsSearches: ['example'],
    dnsServers: ['10.0.0.53'],
    env: { A: 'b=c' },
    hostContainersInternalIp: '10.0.0.1',
    httpProxy: false,
    init: true,
    initPath: '/i',
    ipcns: 'private',
    netns: 'private',
    noHosts: true,
    pidsLimit: 7,
    readOnly: true,
    seccompProfile: '/s.json',
    shmSizeBytes: 2 ** 20,
    umask: 0o077,
  })
  expect(engine).toMatchObject({
    cgroupManager: 'systemd',
    conmonPath: ['/c'],
    runtime: 'runc',
    stopTimeoutMs: 3000,
    runtimes: { runc: ['/a', '/b'] },
  })
  expect(network).toEqual({
    defaultNetwork: 'mine',
    defaultSubnet: '10.1.0.0/16',
    defaultSubnetPools: [{ base: '10.2.0.0/16', size: 28 }],
    dnsBindPort: 54,
  })
  expect(files).toEqual([join(base, system)])
  expect(monitorEnv['X']).toBe('y')
})

test.each(['bridge', 'pasta', 'slirp4netns'])('%s, as Podman calls the usual network, is a private one', async (netns) => {
  await put(system, `[containers]\nnetns = "${netns}"`)
  expect((await read()).containers.netns).toBe('private')
})

test('later files prevail, key by key, and lists can be added to', async () => {
  await put(
    'usr/share/containers/containers.conf',
    '[containers]\npids_limit = 1\nshm_size = "1k"\ndefault_capabilities = ["A"]\nenv = ["A=1"]',
  )
  await put(system, '[containers]\npids_limit = 2\ndefault_capabilities = ["B", {append=true}]')
  await put(`${system}.d/20.conf`, '[containers]\npids_limit = 4')
  await put(`${system}.d/10.conf`, '[containers]\npids_limit = 3\nenv = [{append=true}, "B=2"]')
  await put(`${system}.d/readme`, 'not TOML')
  const { containers, files } = await read()
  expect(containers).toMatchObject({ pidsLimit: 4, shmSizeBytes: 1024, defaultCapabilities: ['A', 'B'], env: { A: '1', B: '2' } })
  expect(files.map((file) => file.slice(base.length + 1))).toEqual([
    'usr/share/containers/containers.conf',
    system,
    `${system}.d/10.conf`,
    `${system}.d/20.conf`,
  ])
})

test('a user’s own file counts for users, not for root', async () => {
  await put(system, '[containers]\npids_limit = 2')
  await put('home/.config/containers/containers.conf', '[containers]\npids_limit = 5')
  await put('xdg/containers/containers.conf.d/a.conf', '[containers]\npids_limit = 6')
  expect((await read()).containers.pidsLimit).toBe(2)
  expect(await read({}, 1000)).toMatchObject({ rootless: true, containers: { pidsLimit: 5 } })
  expect((await read({ XDG_CONFIG_HOME: join(base, 'xdg') }, 1000)).containers.pidsLimit).toBe(6)
})

test('CONTAINERS_CONF takes the place of all files, CONTAINERS_CONF_OVERRIDE comes last', async () => {
  await put(system, '[containers]\npids_limit = 2\ninit = true')
  const own = await put('own.conf', '[containers]\npids_limit = 8')
  const last = await put('last.conf', '[containers]\npids_limit = 9')
  expect((await read({ CONTAINERS_CONF: own })).containers).toMatchObject({ pidsLimit: 8, init: false })
  expect((await read({ CONTAINERS_CONF_OVERRIDE: last })).containers).toMatchObject({ pidsLimit: 9, init: true })
  expect((await read({ CONTAINERS_CONF: own, CONTAINERS_CONF_OVERRIDE: last })).files).toEqual([own, last])
})

test('a file that is named must be there', async () => {
  const missing = join(base, 'missing.conf')
  expect(await failure(read({ CONTAINERS_CONF: missing }))).toMatchObject({ code: 'invalid-argument', path: missing })
})

test('a file that is named may be empty, as /dev/null is', async () => {
  expect(await read({ CONTAINERS_CONF: '/dev/null' })).toMatchObject({ ...defaultContainersConf, files: ['/dev/null'] })
})

test('what is no file of a sensible size is refused at once, and not waited for', async () => {
  const fifo = join(base, 'fifo')
  execFileSync('mkfifo', [fifo])
  for (const path of [fifo, '/dev/zero', base]) {
    expect(await failure(read({ CONTAINERS_CONF: path }))).toMatchObject({
      code: 'invalid-argument',
      path,
      message: expect.stringContaining('CONTAINERS_CONF'),
    })
  }
  await mkdir(join(base, system), { recursive: true })
  expect(await failure(read())).toMatchObject({ code: 'invalid-argument', path: join(base, system) })
})

test('a broken file is refused with its line', async () => {
  const path = await put(system, '[containers]\npids_limit = 1\nshm_size = \n')
  expect(await failure(read())).toMatchObject({ code: 'invalid-argument', path: `${path}:3` })
})

test.each([
  ['containers', 'containers = 1'],
  ['containers.pids_limit', '[containers]\npids_limit = "many"'],
  ['containers.init', '[containers]\ninit = 1'],
  ['containers.default_capabilities', '[containers]\ndefault_capabilities = "CHOWN"'],
  ['containers.default_capabilities', '[containers]\ndefault_capabilities = [1]'],
  ['containers.default_ulimits', '[containers]\ndefault_ulimits = ["nofile=many"]'],
  ['containers.shm_size', '[containers]\nshm_size = "big"'],
  ['containers.umask', '[containers]\numask = "9"'],
  ['containers.pidns', '[containers]\npidns = "other"'],
  ['containers.seccomp_profile', '[containers]\nseccomp_profile = 1'],
  ['engine.cgroup_manager', '[engine]\ncgroup_manager = "x"'],
  ['engine.runtimes', '[engine]\nruntimes = []'],
  ['engine.runtimes.crun', '[engine.runtimes]\ncrun = "/usr/bin/crun"'],
])('a value of the wrong kind is refused with its key: %s', async (key, text) => {
  const path = await put(system, text)
  expect(await failure(read())).toMatchObject({ code: 'invalid-argument', path: `${path}: ${key}` })
})

test('the environment: absolute paths, proxies, locale, and nothing else', () => {
  const environment = readEnvironment({
    PATH: '/bin:relative::/usr/bin',
    HOME: 'relative',
    XDG_RUNTIME_DIR: '/run/user/1',
    CONTAINERS_CONF: '',
    LC_ALL: 'C',
    LANG: 'de',
    https_proxy: 'p',
    SECRET: 's',
  })
  expect(environment).toMatchObject({
    searchPath: ['/bin', '/usr/bin'],
    home: undefined,
    xdgRuntimeDir: '/run/user/1',
    containersConf: undefined,
    proxies: { https_proxy: 'p' },
    locale: { LANG: 'de', LC_ALL: 'C' },
  })
  expect(JSON.stringify(environment)).not.toContain('"s"')
})

test('monitors get no secrets of the host application', async () => {
  const { monitorEnv } = await read({ SECRET: 's', LC_ALL: 'C', XDG_RUNTIME_DIR: '/x' })
  expect(Object.keys(monitorEnv).sort()).toEqual(['HOME', 'LC_ALL', 'PATH', 'XDG_RUNTIME_DIR'])
  expect(monitorEnv['PATH']?.split(':')).toContain('/usr/sbin')
})

test('the default places', async () => {
  const places = (uid: number, env: Record<string, string>) => defaultPaths(uid, readEnvironment(env))
  expect(places(0, {})).toEqual({ root: '/var/lib/libpod-ts', runRoot: '/run/libpod-ts' })
  expect(places(1, { HOME: '/h', XDG_RUNTIME_DIR: '/run/user/1' })).toEqual({
    root: '/h/.local/share/libpod-ts',
    runRoot: '/run/user/1/libpod-ts',
  })
  expect(places(1, { HOME: '/h', XDG_DATA_HOME: '/d' })).toEqual({
    root: '/d/libpod-ts',
    runRoot: join(tmpdir(), 'libpod-ts-run-1', 'libpod-ts'),
  })
  expect(await failure((async () => places(1, {}))())).toMatchObject({ code: 'invalid-argument', path: 'root' })
})
