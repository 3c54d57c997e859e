/** The keys of `containers.conf` that are used here, complete with their defaults. */
export interface ContainersConf {
  readonly containers: ContainersSection
  readonly engine: EngineSection
  readonly network: NetworkSection
}

/** Defaults of new containers: the `[containers]` table. */
export interface ContainersSection {
  readonly annotations: Readonly<Record<string, string>>
  readonly apparmorProfile?: string
  readonly cgroupns?: NamespaceDefault
  readonly defaultCapabilities: readonly string[]
  readonly defaultSysctls: Readonly<Record<string, string>>
  /** By the limit's name in lower case, as `nofile`. */
  readonly defaultUlimits: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>
  readonly devices: readonly string[]
  readonly dnsOptions: readonly string[]
  readonly dnsSearches: readonly string[]
  readonly dnsServers: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** What `host.containers.internal` means; found out by looking if not set. */
  readonly hostContainersInternalIp?: string
  readonly httpProxy: boolean
  readonly init: boolean
  readonly initPath?: string
  readonly ipcns?: NamespaceDefault
  /** How containers are connected that do not say. */
  readonly netns?: NetworkDefault
  readonly noHosts: boolean
  readonly pidns?: NamespaceDefault
  readonly pidsLimit: number
  readonly readOnly: boolean
  readonly seccompProfile?: string
  readonly shmSizeBytes: number
  readonly umask: number
  readonly utsns?: NamespaceDefault
}

/** How the engine works: the `[engine]` table. */
export interface EngineSection {
  readonly cgroupManager?: 'cgroupfs' | 'systemd'
  readonly conmonPath: readonly string[]
  readonly conmonEnv: Readonly<Record<string, string>>
  readonly helperBinariesDir: readonly string[]
  /** Not set: the usual places. */
  readonly hooksDir?: readonly string[]
  /** The OCI runtime to prefer: a name, or a path. */
  readonly runtime?: string
  /** Where each runtime may lie. */
  readonly runtimes: Readonly<Record<string, readonly string[]>>
  readonly stopTimeoutMs: number
}

/** Networks: the `[network]` table. */
export interface NetworkSection {
  readonly backend?: string
  readonly defaultNetwork: string
  /** The subnet of the default network. */
  readonly defaultSubnet: string
  /** Where the subnets of other networks are taken from: each piece has this many bits of prefix. */
  readonly defaultSubnetPools: readonly SubnetPool[]
  readonly dnsBindPort?: number
}

/** A range of addresses that subnets are taken from. */
export interface SubnetPool {
  readonly base: string
  readonly size: number
}

/** How new containers are connected. */
export type NetworkDefault = 'private' | 'host' | 'none'

/** Whether new containers have a namespace of their own. */
export type NamespaceDefault = 'private' | 'host'

/** What holds when no file says otherwise. */
export const defaultContainersConf: ContainersConf = {
  containers: {
    annotations: {},
    defaultCapabilities: [
      'CAP_CHOWN',
      'CAP_DAC_OVERRIDE',
      'CAP_FOWNER',
      'CAP_FSETID',
      'CAP_KILL',
      'CAP_NET_BIND_SERVICE',
      'CAP_SETFCAP',
      'CAP_SETGID',
      'CAP_SETPCAP',
      'CAP_SETUID',
      'CAP_SYS_CHROOT',
    ],
    defaultSysctls: { 'net.ipv4.ping_group_range': '0 0' },
    defaultUlimits: {},
    devices: [],
    dnsOptions: [],
    dnsSearches: [],
    dnsServers: [],
    env: {},
    httpProxy: true,
    init: false,
    noHosts: false,
    pidsLimit: 2048,
    readOnly: false,
    shmSizeBytes: 65_536 * 1024,
    umask: 0o022,
  },
  engine: {
    conmonPath: [
      '/usr/libexec/podman/conmon',
      '/usr/local/libexec/podman/conmon',
      '/usr/local/lib/podman/conmon',
      '/usr/bin/conmon',
      '/usr/sbin/conmon',
      '/usr/local/bin/conmon',
      '/usr/local/sbin/conmon',
    ],
    conmonEnv: {},
    helperBinariesDir: ['/usr/local/libexec/podman', '/usr/local/lib/podman', '/usr/libexec/podman', '/usr/lib/podman'],
    runtimes: {},
    stopTimeoutMs: 10_000,
  },
  network: {
    defaultNetwork: 'podman',
    defaultSubnet: '10.88.0.0/16',
    defaultSubnetPools: [
      { base: '10.89.0.0/16', size: 24 },
      { base: '10.90.0.0/15', size: 24 },
      { base: '10.92.0.0/14', size: 24 },
      { base: '10.96.0.0/11', size: 24 },
      { base: '10.128.0.0/9', size: 24 },
    ],
  },
}
