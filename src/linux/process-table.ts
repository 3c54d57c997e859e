import { LibpodError } from '../base/errors.ts'
import { type CapabilityName, capabilityNames, shortCapability } from './capabilities.ts'
import { ticksPerSecond } from './proc.ts'
import { type ProcessDetails, readProcessDetails } from './process-details.ts'

/** What `top` shows: a title for each column, and the processes row by row. */
export interface ProcessTable {
  readonly titles: readonly string[]
  readonly processes: readonly (readonly string[])[]
}

interface Column {
  readonly title: string
  value(process: ProcessDetails): string
}

/** The columns by Podman's names for them. Ids and names are as inside the container unless they begin with `h`, for the host. */
const columns = {
  args: { title: 'COMMAND', value: ({ args, stat }) => (args.length === 0 ? `[${stat.comm}]` : args.join(' ')) },
  capamb: { title: 'AMBIENT CAPS', value: ({ capabilities }) => formatSet(capabilities.ambient) },
  capbnd: { title: 'BOUNDING CAPS', value: ({ capabilities }) => formatSet(capabilities.bounding) },
  capeff: { title: 'EFFECTIVE CAPS', value: ({ capabilities }) => formatSet(capabilities.effective) },
  capinh: { title: 'INHERITED CAPS', value: ({ capabilities }) => formatSet(capabilities.inheritable) },
  capprm: { title: 'PERMITTED CAPS', value: ({ capabilities }) => formatSet(capabilities.permitted) },
  comm: { title: 'COMMAND', value: ({ stat }) => stat.comm },
  etime: { title: 'ELAPSED', value: ({ elapsedMs }) => formatDuration(elapsedMs) },
  group: { title: 'GROUP', value: (process) => process.inside.group(process.gids(idIn(process, 'Gid', 1))) },
  groups: { title: 'GROUPS', value: (process) => groupsOf(process, (gid) => process.inside.group(process.gids(gid))) },
  hgroup: { title: 'HGROUP', value: (process) => process.host.group(idIn(process, 'Gid', 1)) },
  hgroups: { title: 'HGROUPS', value: (process) => groupsOf(process, (gid) => process.host.group(gid)) },
  hpid: { title: 'HPID', value: ({ pid }) => String(pid) },
  huser: { title: 'HUSER', value: (process) => process.host.user(idIn(process, 'Uid', 1)) },
  label: { title: 'LABEL', value: ({ label }) => label },
  nice: { title: 'NI', value: ({ stat }) => String(stat.nice) },
  pcpu: { title: '%CPU', value: (process) => formatShare(cpuMs(process), process.elapsedMs) },
  pgid: { title: 'PGID', value: (process) => insidePid(process, 'NSpgid') },
  pid: { title: 'PID', value: (process) => insidePid(process, 'NSpid') },
  ppid: { title: 'PPID', value: ({ stat }) => String(stat.ppid) },
  rgroup: { title: 'RGROUP', value: (process) => process.inside.group(process.gids(idIn(process, 'Gid', 0))) },
  rss: { title: 'RSS', value: ({ status }) => kibibytes(status.get('VmRSS')) },
  ruser: { title: 'RUSER', value: (process) => process.inside.user(process.uids(idIn(process, 'Uid', 0))) },
  seccomp: { title: 'SECCOMP', value: ({ status }) => ['disabled', 'strict', 'filter'][Number(status.get('Seccomp') ?? 0)] ?? '?' },
  state: { title: 'STATE', value: ({ stat }) => stat.state },
  time: { title: 'TIME', value: (process) => formatDuration(cpuMs(process)) },
  tty: { title: 'TTY', value: ({ stat }) => formatTty(stat.ttyDevice) },
  user: { title: 'USER', value: (process) => process.inside.user(process.uids(idIn(process, 'Uid', 1))) },
  vsz: { title: 'VSZ', value: ({ status }) => kibibytes(status.get('VmSize')) },
} as const satisfies Record<string, Column>

/** A column of {@link processTable}. */
export type ProcessField = keyof typeof columns

export const processFields = Object.keys(columns) as ProcessField[]

/** What `podman top` shows when it is not told. */
export const defaultProcessFields: readonly ProcessField[] = ['user', 'pid', 'ppid', 'pcpu', 'etime', 'tty', 'time', 'args']

/** Checks the names of columns that came from outside. Throws `invalid-argument`. */
export function parseProcessFields(names: readonly string[], path = 'fields'): ProcessField[] {
  return names.map((name, index) => {
    const field = processFields.find((known) => known === name.toLowerCase())
    if (field !== undefined) return field
    throw new LibpodError(
      'invalid-argument',
      `${path}[${index}]: there is no column ${JSON.stringify(name)}.`,
      { path: `${path}[${index}]`, value: name },
      { hint: `The columns are ${processFields.join(', ')}.` },
    )
  })
}

/** The processes with these pids, one row each; those that end meanwhile are left out. */
export async function processTable(pids: readonly number[], fields: readonly ProcessField[] = defaultProcessFields): Promise<ProcessTable> {
  const details = await readProcessDetails(pids)
  const chosen: readonly Column[] = fields.map((field) => columns[field])
  const parents = new Map(details.map((process) => [process.pid, insidePid(process, 'NSpid')]))
  return {
    titles: chosen.map(({ title }) => title),
    processes: details.map((process) =>
      chosen.map((column) => (column === columns.ppid ? (parents.get(process.stat.ppid) ?? '0') : column.value(process))),
    ),
  }
}

/** The fields of `Uid:` and `Gid:` are real, effective, saved, file system. */
function idIn({ status }: ProcessDetails, key: 'Uid' | 'Gid', index: 0 | 1): number {
  return Number(status.get(key)?.split(/\s+/)[index] ?? 0)
}

function groupsOf({ status }: ProcessDetails, nameOf: (gid: number) => string): string {
  const groups = status.get('Groups') ?? ''
  return groups === ''
    ? ''
    : groups
        .split(/\s+/)
        .map((gid) => nameOf(Number(gid)))
        .join(',')
}

/** One number for each PID namespace that the process is seen in, its own last. */
function insidePid({ status, pid }: ProcessDetails, key: 'NSpid' | 'NSpgid'): string {
  return status.get(key)?.split(/\s+/).at(-1) ?? String(pid)
}

function formatSet(names: readonly CapabilityName[]): string {
  if (names.length === 0) return 'none'
  return names.length === capabilityNames.length ? 'full' : names.map(shortCapability).join(',')
}

function cpuMs({ stat }: ProcessDetails): number {
  return ((stat.userTicks + stat.systemTicks) * 1000) / ticksPerSecond
}

function formatShare(ms: number, ofMs: number): string {
  return (ofMs <= 0 ? 0 : (ms / ofMs) * 100).toFixed(3)
}

/** As Go prints durations: `1h2m3.45s`. */
export function formatDuration(ms: number): string {
  const hundredths = Math.round(ms / 10)
  const [hours, minutes, seconds] = [Math.floor(hundredths / 360_000), Math.floor(hundredths / 6000) % 60, (hundredths % 6000) / 100]
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`
}

/** The kernel packs major and minor number into one. */
export function formatTty(device: number): string {
  if (device === 0) return '?'
  const major = (device >> 8) & 0xfff
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00)
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`
  return major === 4 ? `tty${minor}` : `${major}:${minor}`
}

function kibibytes(text: string | undefined): string {
  return text?.split(' ')[0] ?? '0'
}
