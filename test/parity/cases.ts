import type { CreateContainerOptions } from 'libpod-ts'

/** The same container asked for twice: in Podman's words and in ours. */
export interface ParityCase {
  readonly name: string
  /** Arguments of `podman create`. */
  readonly podman: readonly string[]
  readonly options: CreateContainerOptions
  /** For both; the image's own if not given. */
  readonly command?: readonly string[]
  /** For both; `none` if not given. */
  readonly network?: 'host'
  /** The image whose configuration says more than what to run. */
  readonly configured?: true
  /** Without the small limits that all others have: Podman 4 cannot start it where it may not raise limits. */
  readonly usualLimits?: true
}

/** What the image of the cases with `configured` says about running it: as `podman import` and `images.import` take it. */
export const configuredChanges: readonly string[] = [
  'ENV GREETING=hello',
  'ENV PATH=/bin:/usr/bin',
  'USER guest:daemon',
  'WORKDIR /var/tmp',
  'ENTRYPOINT ["/bin/echo", "-n"]',
  'CMD ["one", "two"]',
  'STOPSIGNAL SIGINT',
  'VOLUME /home',
]

export const parityCases: readonly ParityCase[] = [
  { name: 'defaults', podman: [], options: {} },
  { name: 'usual limits', podman: [], options: {}, usualLimits: true },

  { name: 'user by number', podman: ['--user', '1000:1000'], options: { user: '1000:1000' } },
  { name: 'user by number, not in passwd', podman: ['--user', '4321'], options: { user: '4321' } },
  { name: 'user by name, in further groups', podman: ['--user', 'guest'], options: { user: 'guest' } },
  { name: 'user and group by name', podman: ['--user', 'guest:daemon'], options: { user: 'guest:daemon' } },
  {
    name: 'groups',
    podman: ['--user', 'daemon', '--group-add', 'wheel', '--group-add', '77'],
    options: { user: 'daemon', groups: ['wheel', '77'] },
  },

  {
    name: 'capabilities added and dropped',
    podman: ['--cap-add', 'NET_ADMIN', '--cap-add', 'sys_ptrace', '--cap-drop', 'KILL'],
    options: { capAdd: ['NET_ADMIN', 'sys_ptrace'], capDrop: ['KILL'] },
  },
  { name: 'no capabilities', podman: ['--cap-drop', 'ALL'], options: { capDrop: ['ALL'] } },
  {
    name: 'no capabilities but one',
    podman: ['--cap-drop', 'ALL', '--cap-add', 'CAP_SYS_ADMIN'],
    options: { capDrop: ['ALL'], capAdd: ['CAP_SYS_ADMIN'] },
  },
  { name: 'all capabilities', podman: ['--cap-add', 'ALL'], options: { capAdd: ['ALL'] } },
  {
    name: 'capabilities of a user',
    podman: ['--user', 'guest', '--cap-add', 'NET_ADMIN'],
    options: { user: 'guest', capAdd: ['NET_ADMIN'] },
  },
  { name: 'privileged', podman: ['--privileged'], options: { privileged: true } },
  {
    name: 'privileged, as a user',
    podman: ['--privileged', '--user', 'guest'],
    options: { privileged: true, user: 'guest' },
  },

  { name: 'no new privileges', podman: ['--security-opt', 'no-new-privileges'], options: { security: { noNewPrivileges: true } } },
  { name: 'no seccomp', podman: ['--security-opt', 'seccomp=unconfined'], options: { security: { seccomp: 'unconfined' } } },
  {
    name: 'seccomp by a profile',
    podman: ['--security-opt', 'seccomp=/usr/share/containers/seccomp.json', '--cap-add', 'SYS_CHROOT,SYS_TIME'],
    options: { security: { seccomp: '/usr/share/containers/seccomp.json' }, capAdd: ['SYS_CHROOT', 'SYS_TIME'] },
  },
  {
    name: 'mask',
    podman: ['--security-opt', 'mask=/etc/passwd:/etc/group'],
    options: { security: { mask: ['/etc/passwd', '/etc/group'] } },
  },
  {
    name: 'unmask',
    podman: ['--security-opt', 'unmask=/proc/acpi:/proc/s*:/sys/dev/block'],
    options: { security: { unmask: ['/proc/acpi', '/proc/s*', '/sys/dev/block'] } },
  },
  { name: 'unmask all', podman: ['--security-opt', 'unmask=ALL'], options: { security: { unmask: ['ALL'] } } },

  { name: 'read-only', podman: ['--read-only'], options: { readOnly: true } },
  {
    name: 'read-only, without tmpfs',
    podman: ['--read-only', '--read-only-tmpfs=false'],
    options: { readOnly: true, readOnlyTmpfs: false },
  },
  {
    name: 'mounts',
    podman: ['--volume', '/usr/share:/data:ro', '--volume', '/usr/lib:/lib', '--tmpfs', '/scratch:size=1m,mode=1777,noexec'],
    options: {
      mounts: [
        { type: 'bind', source: '/usr/share', target: '/data', readOnly: true },
        { type: 'bind', source: '/usr/lib', target: '/lib' },
        { type: 'tmpfs', target: '/scratch', options: ['size=1m', 'mode=1777', 'noexec'] },
      ],
    },
  },
  { name: 'size of /dev/shm', podman: ['--shm-size', '16m'], options: { shmSizeBytes: 16 * 1024 * 1024 } },
  {
    name: 'devices',
    podman: ['--device', '/dev/zero', '--device', '/dev/null:/dev/nothing:rw', '--device', '/dev/full:r'],
    options: {
      devices: [
        { source: '/dev/zero' },
        { source: '/dev/null', target: '/dev/nothing', permissions: 'rw' },
        { source: '/dev/full', permissions: 'r' },
      ],
    },
  },

  {
    name: 'limits of memory, processors and processes',
    podman: [
      '--memory',
      '64m',
      '--memory-reservation',
      '32m',
      '--cpus',
      '1.5',
      '--cpu-shares',
      '512',
      '--cpuset-cpus',
      '0',
      '--pids-limit',
      '100',
    ],
    options: {
      memoryBytes: 64 * 1024 * 1024,
      memoryReservationBytes: 32 * 1024 * 1024,
      cpus: 1.5,
      cpuShares: 512,
      cpusetCpus: '0',
      pidsLimit: 100,
    },
  },
  { name: 'no limit of processes', podman: ['--pids-limit', '0'], options: { pidsLimit: 0 } },
  {
    name: 'a quota of processors',
    podman: ['--cpu-quota', '20000', '--cpu-period', '50000'],
    options: { cpuQuota: 20_000, cpuPeriod: 50_000 },
  },
  { name: 'score for the OOM killer', podman: ['--oom-score-adj', '500'], options: { oomScoreAdj: 500 } },
  {
    name: 'ulimits',
    podman: ['--ulimit', 'nofile=256:512', '--ulimit', 'core=0', '--ulimit', 'memlock=65536:65536'],
    options: { ulimits: { nofile: { soft: 256, hard: 512 }, core: 0, memlock: 65_536 } },
    usualLimits: true,
  },
  { name: 'ulimits of the host', podman: ['--ulimit', 'host'], options: { ulimits: 'host' }, usualLimits: true },
  {
    name: 'sysctls',
    podman: ['--sysctl', 'net.core.somaxconn=1024', '--sysctl', 'kernel.msgmax=65536'],
    options: { sysctls: { 'net.core.somaxconn': '1024', 'kernel.msgmax': '65536' } },
  },

  {
    name: 'program, environment, working directory and host name',
    podman: [
      '--env',
      'A=b=c',
      '--env',
      'TERM=vt100',
      '--env',
      'EMPTY=',
      '--workdir',
      '/usr',
      '--entrypoint',
      '["/bin/env", "-u"]',
      '--hostname',
      'web',
    ],
    options: { env: { A: 'b=c', TERM: 'vt100', EMPTY: '' }, workdir: '/usr', entrypoint: ['/bin/env', '-u'], hostname: 'web' },
    command: ['A', 'sleep', '1'],
  },
  { name: 'no proxy variables', podman: ['--http-proxy=false'], options: { httpProxy: false } },
  { name: 'terminal', podman: ['--tty', '--interactive'], options: { tty: true, stdin: true } },
  { name: 'init', podman: ['--init'], options: { init: true }, command: ['sleep', '1'] },
  {
    name: 'annotations and stop signal',
    podman: ['--annotation', 'a.b/c=d', '--stop-signal', 'SIGUSR1'],
    options: { annotations: { 'a.b/c': 'd' }, stopSignal: 'SIGUSR1' },
  },
  { name: 'removed when it has ended', podman: ['--rm'], options: { autoRemove: true } },

  { name: 'network of the host', podman: [], options: {}, network: 'host' },
  { name: 'processes of the host', podman: ['--pid', 'host'], options: { pid: 'host' } },
  { name: 'IPC of the host', podman: ['--ipc', 'host'], options: { ipc: 'host' } },
  { name: 'host name of the host', podman: ['--uts', 'host'], options: { uts: 'host' } },
  { name: 'cgroups of its own', podman: ['--cgroupns', 'private'], options: { cgroupns: 'private' } },
  {
    name: 'all of the host, privileged',
    podman: ['--privileged', '--pid', 'host', '--ipc', 'host', '--uts', 'host'],
    options: { privileged: true, pid: 'host', ipc: 'host', uts: 'host' },
    network: 'host',
  },

  { name: 'image with a configuration', podman: [], options: {}, configured: true },
  { name: 'image with a configuration, other command', podman: [], options: {}, command: ['three'], configured: true },
  {
    name: 'image with a configuration, other all',
    podman: ['--entrypoint', '/bin/ls', '--user', 'root', '--workdir', '/', '--env', 'GREETING=bye', '--stop-signal', '9'],
    options: { entrypoint: ['/bin/ls'], user: 'root', workdir: '/', env: { GREETING: 'bye' }, stopSignal: 9 },
    configured: true,
  },
]
