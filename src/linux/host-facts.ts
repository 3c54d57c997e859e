import { readFile } from 'node:fs/promises'
import { availableParallelism, hostname, release, totalmem } from 'node:os'

/** What does not change while an engine is open. */
export interface HostFacts {
  /** As `uname -r` says. */
  readonly kernel: string
  /** As Go and OCI name it: `amd64`, `arm64`, … */
  readonly arch: string
  /** The variant that OCI platforms add for some architectures: `v8` for arm64, `v7` for arm. */
  readonly variant?: string
  readonly distribution: { readonly id: string; readonly version: string; readonly codename?: string; readonly name: string }
  readonly hostname: string
  readonly memoryBytes: number
  readonly swapBytes: number
  readonly cpus: number
  /** Whether this process runs without root's rights. */
  readonly rootless: boolean
  /** Whether this process is inside a user namespace that does not map all ids. */
  readonly inUserNamespace: boolean
  readonly selinux: boolean
  readonly apparmor: boolean
  /** Whether systemd runs the machine. */
  readonly systemd: boolean
}

const goArch: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  arm64: 'arm64',
  arm: 'arm',
  ppc64: 'ppc64le',
  s390x: 's390x',
  riscv64: 'riscv64',
  loong64: 'loong64',
  mips: 'mips',
  mipsel: 'mipsle',
}

const variants: Readonly<Record<string, string>> = { arm64: 'v8', arm: 'v7' }

/** Reads what is known of this machine. */
export async function hostFacts(): Promise<HostFacts> {
  const [osRelease, memInfo, uidMap, selinux, apparmor, systemd] = await Promise.all([
    readOsRelease(),
    readText('/proc/meminfo'),
    readText('/proc/self/uid_map'),
    readText('/sys/fs/selinux/enforce'),
    readText('/sys/module/apparmor/parameters/enabled'),
    readText('/proc/1/comm'),
  ])
  const arch = hostArch()
  const variant = variants[arch]
  return {
    kernel: release(),
    arch,
    ...(variant === undefined ? {} : { variant }),
    distribution: distributionOf(osRelease),
    hostname: hostname(),
    memoryBytes: totalmem(),
    swapBytes: Number(/^SwapTotal:\s*(\d+)/m.exec(memInfo ?? '')?.[1] ?? 0) * 1024,
    cpus: availableParallelism(),
    rootless: process.geteuid?.() !== 0,
    inUserNamespace: uidMap !== undefined && !/^\s*0\s+0\s+4294967295\s*$/.test(uidMap),
    selinux: selinux !== undefined,
    apparmor: apparmor?.trim() === 'Y',
    systemd: systemd?.trim() === 'systemd',
  }
}

/** This machine's architecture, as Go and OCI name it. */
export function hostArch(): string {
  return goArch[process.arch] ?? process.arch
}

/** Reads the lines of an os-release file. */
export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const line of text.split('\n')) {
    const match = /^([A-Z0-9_]+)=(.*)$/.exec(line.trim())
    if (match?.[1] !== undefined && match[2] !== undefined) values.set(match[1], unquote(match[2]))
  }
  return values
}

async function readOsRelease(): Promise<ReadonlyMap<string, string>> {
  return parseOsRelease((await readText('/etc/os-release')) ?? (await readText('/usr/lib/os-release')) ?? '')
}

function distributionOf(values: ReadonlyMap<string, string>): HostFacts['distribution'] {
  const id = values.get('ID') ?? 'linux'
  const codename = values.get('VERSION_CODENAME')
  return {
    id,
    version: values.get('VERSION_ID') ?? 'unknown',
    ...(codename === undefined ? {} : { codename }),
    name: values.get('PRETTY_NAME') ?? values.get('NAME') ?? id,
  }
}

function unquote(value: string): string {
  const quote = value[0]
  if (value.length < 2 || (quote !== '"' && quote !== "'") || !value.endsWith(quote)) return value
  const inner = value.slice(1, -1)
  return quote === '"' ? inner.replace(/\\([\\"$`])/g, '$1') : inner
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}
