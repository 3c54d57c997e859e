import {
  assignmentsOf,
  badValue,
  booleanOf,
  bytesOf,
  type ConfValue,
  integerOf,
  isTable,
  textOf,
  textsOf,
  ulimitsOf,
} from './conf-values.ts'
import type {
  ContainersConf,
  ContainersSection,
  EngineSection,
  NamespaceDefault,
  NetworkDefault,
  NetworkSection,
  SubnetPool,
} from './containers-conf.ts'
import { parseToml } from './toml.ts'

/** How one key of the file changes a section; keys that are not named here belong to others and are passed over. */
type Keys<Section> = Readonly<Record<string, (value: ConfValue, before: Section) => Partial<Section>>>

const containersKeys: Keys<ContainersSection> = {
  annotations: (value, { annotations }) => ({ annotations: assignmentsOf(value, annotations) }),
  apparmor_profile: (value) => ({ apparmorProfile: textOf(value) }),
  cgroupns: (value) => ({ cgroupns: namespaceOf(value) }),
  default_capabilities: (value, { defaultCapabilities }) => ({ defaultCapabilities: textsOf(value, defaultCapabilities) }),
  default_sysctls: (value, { defaultSysctls }) => ({ defaultSysctls: assignmentsOf(value, defaultSysctls) }),
  default_ulimits: (value) => ({ defaultUlimits: ulimitsOf(value) }),
  devices: (value, { devices }) => ({ devices: textsOf(value, devices) }),
  dns_options: (value, { dnsOptions }) => ({ dnsOptions: textsOf(value, dnsOptions) }),
  dns_searches: (value, { dnsSearches }) => ({ dnsSearches: textsOf(value, dnsSearches) }),
  dns_servers: (value, { dnsServers }) => ({ dnsServers: textsOf(value, dnsServers) }),
  env: (value, { env }) => ({ env: assignmentsOf(value, env) }),
  host_containers_internal_ip: (value) => ({ hostContainersInternalIp: textOf(value) }),
  http_proxy: (value) => ({ httpProxy: booleanOf(value) }),
  init: (value) => ({ init: booleanOf(value) }),
  init_path: (value) => ({ initPath: textOf(value) }),
  ipcns: (value) => ({ ipcns: namespaceOf(value) }),
  netns: (value) => ({ netns: networkOf(value) }),
  no_hosts: (value) => ({ noHosts: booleanOf(value) }),
  pidns: (value) => ({ pidns: namespaceOf(value) }),
  pids_limit: (value) => ({ pidsLimit: integerOf(value) }),
  read_only: (value) => ({ readOnly: booleanOf(value) }),
  seccomp_profile: (value) => ({ seccompProfile: textOf(value) }),
  shm_size: (value) => ({ shmSizeBytes: bytesOf(value) }),
  umask: (value) => ({ umask: umaskOf(value) }),
  utsns: (value) => ({ utsns: namespaceOf(value) }),
}

const engineKeys: Keys<EngineSection> = {
  cgroup_manager: (value) => ({ cgroupManager: cgroupManagerOf(value) }),
  conmon_env_vars: (value, { conmonEnv }) => ({ conmonEnv: assignmentsOf(value, conmonEnv) }),
  conmon_path: (value, { conmonPath }) => ({ conmonPath: textsOf(value, conmonPath) }),
  helper_binaries_dir: (value, { helperBinariesDir }) => ({ helperBinariesDir: textsOf(value, helperBinariesDir) }),
  hooks_dir: (value, { hooksDir }) => ({ hooksDir: textsOf(value, hooksDir ?? []) }),
  runtime: (value) => ({ runtime: textOf(value) }),
  runtimes: (value, { runtimes }) => ({ runtimes: { ...runtimes, ...runtimesOf(value) } }),
  stop_timeout: (value) => ({ stopTimeoutMs: integerOf(value) * 1000 }),
}

const networkKeys: Keys<NetworkSection> = {
  network_backend: (value) => ({ backend: textOf(value) }),
  default_network: (value) => ({ defaultNetwork: textOf(value) }),
  default_subnet: (value) => ({ defaultSubnet: textOf(value) }),
  default_subnet_pools: (value) => ({ defaultSubnetPools: poolsOf(value) }),
  dns_bind_port: (value) => ({ dnsBindPort: integerOf(value) }),
}

/** Lays one file over what the earlier ones said. Throws `invalid-argument` with file and line, or file and key. */
export async function applyContainersConf(before: ContainersConf, file: string, text: string): Promise<ContainersConf> {
  const document = await parseToml(file, text)
  const init = isTable(document['engine']) ? document['engine']['init_path'] : undefined
  return {
    containers: {
      ...applySection('containers', containersKeys, before.containers, document, file),
      // Older files have the path of the init program in the other table.
      ...(typeof init === 'string' ? { initPath: init } : {}),
    },
    engine: applySection('engine', engineKeys, before.engine, document, file),
    network: applySection('network', networkKeys, before.network, document, file),
  }
}

function applySection<Section extends object>(
  name: string,
  keys: Keys<Section>,
  before: Section,
  document: Readonly<Record<string, unknown>>,
  file: string,
): Section {
  const table = document[name]
  if (table === undefined) return before
  if (!isTable(table)) throw badValue({ value: table, file, key: name }, 'a table')
  let section = before
  for (const [key, value] of Object.entries(table)) {
    const change = keys[key]
    if (change && value !== '') section = { ...section, ...change({ value, file, key: `${name}.${key}` }, section) }
  }
  return section
}

/** `host` is the one other choice that a default can make; `shareable` and `none` of the IPC namespace are private ones. */
function namespaceOf(value: ConfValue): NamespaceDefault {
  const text = textOf(value)
  if (text === 'host') return 'host'
  if (text === 'private' || text === 'shareable' || text === 'none') return 'private'
  throw badValue(value, '"private" or "host"')
}

/** A private network is one of the default network, which Podman also calls `bridge`, or without root by the program that connects it. */
function networkOf(value: ConfValue): NetworkDefault {
  const text = textOf(value)
  if (text === 'host' || text === 'none' || text === 'private') return text
  if (text === 'bridge' || text === 'pasta' || text === 'slirp4netns') return 'private'
  throw badValue(value, '"private", "host" or "none"')
}

function poolsOf(value: ConfValue): SubnetPool[] {
  const expected = 'a list of pools such as { base = "10.89.0.0/16", size = 24 }'
  if (!Array.isArray(value.value)) throw badValue(value, expected)
  return (value.value as readonly unknown[]).map((pool) => {
    if (!isTable(pool) || typeof pool['base'] !== 'string' || !Number.isInteger(pool['size'])) throw badValue(value, expected)
    return { base: pool['base'], size: Number(pool['size']) }
  })
}

function cgroupManagerOf(value: ConfValue): 'cgroupfs' | 'systemd' {
  const text = textOf(value)
  if (text === 'cgroupfs' || text === 'systemd') return text
  throw badValue(value, '"cgroupfs" or "systemd"')
}

function umaskOf(value: ConfValue): number {
  const text = textOf(value)
  if (!/^0?[0-7]{1,3}$/.test(text)) throw badValue(value, 'an octal number such as "0022"')
  return Number.parseInt(text, 8)
}

function runtimesOf(value: ConfValue): Record<string, readonly string[]> {
  if (!isTable(value.value)) throw badValue(value, 'a table of lists of paths')
  return Object.fromEntries(
    Object.entries(value.value).map(([name, paths]) => [name, textsOf({ ...value, value: paths, key: `${value.key}.${name}` }, [])]),
  )
}
