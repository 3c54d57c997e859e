import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ifThere } from './if-there.ts'

/** What a leak would show in: mounts of this namespace, monitors and runtimes, cgroups that containers make, links and rules of the firewall. */
export interface MachineState {
  readonly mounts: readonly string[]
  readonly processes: readonly string[]
  readonly cgroups: readonly string[]
  readonly links: readonly string[]
  readonly rules: readonly string[]
}

/** Reads it. Processes are those of this worker that only containers need: other programs of the machine come and go. */
export async function machineState(): Promise<MachineState> {
  const [mounts, cgroups, links, rules] = await Promise.all([readMounts(), readCgroups('/sys/fs/cgroup', 4), readLinks(), readRules()])
  return { mounts, processes: readProcesses(), cgroups, links, rules }
}

async function readMounts(): Promise<string[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .sort()
}

const watched = /(^|\/)(conmon|crun|runc|cleanup\.js|helper\.js|busybox|catatonit|podman-init|netavark|aardvark-dns|pasta(\.avx2)?)( |$)/

/** Outside of the root of this cgroup namespace: what another worker started. */
const ofOthers = /:\/\.\.(\/|$)/m

function readProcesses(): string[] {
  const found: string[] = []
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    // At once: asking for what /proc can answer takes longer than the answer.
    const read = (name: string): string => ifThere(() => readFileSync(join('/proc', pid, name), 'utf8')) ?? ''
    const line = read('cmdline').replaceAll('\0', ' ').trim()
    const isWatched = watched.test(line) || watched.test(ifThere(() => readlinkSync(join('/proc', pid, 'exe'))) ?? '')
    if (isWatched && !ofOthers.test(read('cgroup'))) found.push(`${pid} ${line}`)
  }
  return found.sort()
}

/** Where the v2 tree is hidden, crun leaves folders that are no cgroups in its place. */
export function isCgroupTree(path: string): boolean {
  return path !== unified || existsSync(join(unified, 'cgroup.controllers'))
}

const unified = '/sys/fs/cgroup/unified'

async function readCgroups(directory: string, depth: number): Promise<string[]> {
  if (depth === 0) return []
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
  const below = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(directory, name))
    .filter(isCgroupTree)
  const deeper = await Promise.all(below.map((path) => readCgroups(path, depth - 1)))
  // The folders that all containers and monitors of a machine lie in stay, as those of Podman do.
  const leaks = below.filter((path) => /libpod|crun|runc/.test(path) && !/\/(libpod_parent(\/conmon)?|libpod-conmon\.service)$/.test(path))
  return [...leaks, ...deeper.flat()].sort()
}

/** The links of this network namespace. */
export async function readLinks(): Promise<string[]> {
  const lines = (await readFile('/proc/net/dev', 'utf8')).split('\n').slice(2)
  return lines.flatMap((line) => /^\s*(\S+):/.exec(line)?.[1] ?? []).sort()
}

/** Chains that all containers of a machine share stay, empty, as with Podman; what is about one container or network is a leak. */
const shared = /^(#|\*|COMMIT|:|-A (FORWARD|PREROUTING|OUTPUT|POSTROUTING) .*-j NETAVARK[-_A-Z]+$|-A NETAVARK-HOSTPORT-(MASQ|SETMARK) )/
const chains = /^:(?!(NETAVARK_FORWARD|NETAVARK-HOSTPORT-(DNAT|MASQ|SETMARK)|[A-Z]+) )/

export async function readRules(): Promise<string[]> {
  // An ordinary user can neither make nor see any.
  if (process.geteuid?.() !== 0) return []
  const { stdout } = await promisify(execFile)('/usr/sbin/iptables-save')
  return stdout
    .split('\n')
    .filter((line) => line !== '' && (!shared.test(line) || chains.test(line)))
    .sort()
}
