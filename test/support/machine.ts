import { existsSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'

/** What a leak would show in: mounts of this namespace, monitors and runtimes, cgroups that containers make. */
export interface MachineState {
  readonly mounts: readonly string[]
  readonly processes: readonly string[]
  readonly cgroups: readonly string[]
}

/** Reads it. Processes are those that only containers need: other programs of the machine come and go. */
export async function machineState(): Promise<MachineState> {
  const [mounts, processes, cgroups] = await Promise.all([readMounts(), readProcesses(), readCgroups('/sys/fs/cgroup', 4)])
  return { mounts, processes, cgroups }
}

async function readMounts(): Promise<string[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .sort()
}

const watched = /(^|\/)(conmon|crun|runc|cleanup\.js|helper\.js|busybox|catatonit|podman-init)( |$)/

async function readProcesses(): Promise<string[]> {
  const found: string[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const [command, program] = await Promise.all([
      readFile(join('/proc', pid, 'cmdline'), 'utf8').catch(() => ''),
      readlink(join('/proc', pid, 'exe')).catch(() => ''),
    ])
    const line = command.replaceAll('\0', ' ').trim()
    if (watched.test(line) || watched.test(program)) found.push(`${pid} ${line}`)
  }
  return found.sort()
}

/** Where the v2 tree is hidden, crun leaves folders that are no cgroups in its place. */
const unified = '/sys/fs/cgroup/unified'

async function readCgroups(directory: string, depth: number): Promise<string[]> {
  if (depth === 0) return []
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
  const below = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(directory, name))
    .filter((path) => path !== unified || existsSync(join(unified, 'cgroup.controllers')))
  const deeper = await Promise.all(below.map((path) => readCgroups(path, depth - 1)))
  // The folders that all containers and monitors of a machine lie in stay, as those of Podman do.
  const leaks = below.filter((path) => /libpod|crun|runc/.test(path) && !/\/libpod_parent(\/conmon)?$/.test(path))
  return [...leaks, ...deeper.flat()].sort()
}
