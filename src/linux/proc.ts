import { readFileSync, readlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

/** What names one process for ever: a pid alone is used again after its process ended. */
export interface ProcessIdentity {
  readonly pid: number
  /** Field 22 of `/proc/<pid>/stat`, in clock ticks since boot. */
  readonly startTime: string
}

/** The kinds of namespaces, named as the files in `/proc/<pid>/ns`. */
export type NamespaceKind = 'mnt' | 'net' | 'user' | 'pid' | 'ipc' | 'uts' | 'cgroup' | 'time'

/** The fields of `/proc/<pid>/stat` that are of use here. */
export interface ProcessStat {
  readonly pid: number
  readonly comm: string
  /** `R`, `S`, `D`, `Z`, `T`, … */
  readonly state: string
  readonly ppid: number
  readonly processGroup: number
  readonly session: number
  readonly ttyDevice: number
  /** The kernel's `PF_…` bits. */
  readonly flags: number
  readonly userTicks: number
  readonly systemTicks: number
  readonly nice: number
  readonly startTime: string
  readonly virtualBytes: number
  readonly residentPages: number
}

/** Ticks per second in what the kernel tells user space: 100 on every architecture that Linux containers run on. */
export const ticksPerSecond = 100

/** When a process was started; `undefined` when there is none, or only its remains are left (a zombie). */
export async function processStartTime(pid: number): Promise<string | undefined> {
  return startTimeOf(await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined))
}

/** The same at once: a read of /proc takes some 10 µs. */
export function processStartTimeSync(pid: number): string | undefined {
  try {
    return startTimeOf(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return undefined
  }
}

/** Whether the process still runs that had this pid and start time. */
export async function isSameProcess({ pid, startTime }: ProcessIdentity): Promise<boolean> {
  return (await processStartTime(pid)) === startTime
}

/** The same at once. */
export function isSameProcessSync({ pid, startTime }: ProcessIdentity): boolean {
  return processStartTimeSync(pid) === startTime
}

/** Reads `/proc/<pid>/stat`; `undefined` when there is no such process. */
export async function readProcessStat(pid: number | 'self'): Promise<ProcessStat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : parseProcessStat(text)
}

/** A program may call itself anything, with spaces, parentheses and newlines: the last parenthesis ends its name. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const from = text.indexOf('(')
  const to = text.lastIndexOf(')')
  if (from < 0 || to < from) return undefined
  // Field 3, the state, is the first of these.
  const fields = text
    .slice(to + 2)
    .trimEnd()
    .split(' ')
  const field = (number: number): string => fields[number - 3] ?? ''
  if (field(22) === '') return undefined
  return {
    pid: Number(text.slice(0, from)),
    comm: text.slice(from + 1, to),
    state: field(3),
    ppid: Number(field(4)),
    processGroup: Number(field(5)),
    session: Number(field(6)),
    ttyDevice: Number(field(7)),
    flags: Number(field(9)),
    userTicks: Number(field(14)),
    systemTicks: Number(field(15)),
    nice: Number(field(19)),
    startTime: field(22),
    virtualBytes: Number(field(23)),
    residentPages: Number(field(24)),
  }
}

/** What tells namespaces apart: the inode number. `undefined` when the process is gone or not ours to see. */
export function namespaceId(pid: number | 'self', kind: NamespaceKind): string | undefined {
  try {
    return /\[(\d+)\]/.exec(readlinkSync(namespacePath(pid, kind)))?.[1]
  } catch {
    return undefined
  }
}

/** The file that stands for a namespace of a process. */
export function namespacePath(pid: number | 'self', kind: NamespaceKind): string {
  // `self` would be the main thread's in any case, but a worker's own namespace is that of its thread.
  return pid === 'self' ? `/proc/thread-self/ns/${kind}` : `/proc/${pid}/ns/${kind}`
}

/** Changes with every boot of the machine. */
export async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
}

/** How long the machine has been up, in milliseconds. */
export async function uptimeMs(): Promise<number> {
  const [seconds] = (await readFile('/proc/uptime', 'utf8')).split(' ')
  return Number(seconds) * 1000
}

function startTimeOf(text: string | undefined): string | undefined {
  const stat = text === undefined ? undefined : parseProcessStat(text)
  return stat === undefined || stat.state === 'Z' || stat.state === 'X' ? undefined : stat.startTime
}
