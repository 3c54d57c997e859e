import { readFile, stat as statFile } from 'node:fs/promises'
import { type AccountNames, readAccountNames } from './accounts.ts'
import { type CapabilitySets, parseCapabilities } from './capabilities.ts'
import { namespaceId, type ProcessStat, parseProcessStat, uptimeMs } from './proc.ts'

/** All that the columns of a process table are made of. */
export interface ProcessDetails {
  readonly pid: number
  readonly stat: ProcessStat
  readonly status: ReadonlyMap<string, string>
  readonly capabilities: CapabilitySets
  /** Argument by argument; empty for kernel threads and zombies. */
  readonly args: readonly string[]
  readonly elapsedMs: number
  readonly label: string
  /** As in its own user and mount namespaces. */
  readonly inside: AccountNames
  /** As in ours. */
  readonly host: AccountNames
  /** Where its user namespace puts our numbers. */
  readonly uids: IdMap
  readonly gids: IdMap
}

/** From the numbers of this process' user namespace to those of another. */
export type IdMap = (id: number) => number

/** What the kernel shows for an id that a user namespace does not map. */
const overflowId = 65534

/** Reads what there is to know about processes; those that end meanwhile are left out. */
export async function readProcessDetails(pids: readonly number[]): Promise<ProcessDetails[]> {
  const up = await uptimeMs()
  const byRoot = new Map<string, AccountNames>()
  // Reading a stranger's files is synchronous, so it is done once for all processes that see the same.
  const namesOf = (root: string, key: string): AccountNames => {
    const names = byRoot.get(key) ?? readAccountNames(root)
    byRoot.set(key, names)
    return names
  }
  const host = namesOf('/', await rootKey('self'))
  const details = await Promise.all(
    pids.map(async (pid): Promise<ProcessDetails | undefined> => {
      const [statText, status, cmdline, uidMap, gidMap, label] = await Promise.all(
        ['stat', 'status', 'cmdline', 'uid_map', 'gid_map', 'attr/current'].map((file) => readText(`/proc/${pid}/${file}`)),
      )
      const stat = statText === undefined ? undefined : parseProcessStat(statText)
      if (stat === undefined || status === undefined) return undefined
      return {
        pid,
        stat,
        status: parseStatus(status),
        capabilities: parseCapabilities(status),
        args: (cmdline ?? '').split('\0').slice(0, -1),
        elapsedMs: Math.max(0, up - Number(stat.startTime) * 10),
        label: (label ?? '').replaceAll('\0', '').trim(),
        inside: namesOf(`/proc/${pid}/root`, await rootKey(pid)),
        host,
        uids: parseIdMap(uidMap ?? ''),
        gids: parseIdMap(gidMap ?? ''),
      }
    }),
  )
  return details.filter((process) => process !== undefined)
}

/** Lines `inside outside count`. An empty map is that of a process that is just being made: nothing is mapped. */
export function parseIdMap(text: string): IdMap {
  const ranges = text
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter((fields) => fields.length === 3)
  return (id) => {
    for (const [inside = 0, outside = 0, count = 0] of ranges) if (id >= outside && id < outside + count) return inside + id - outside
    return overflowId
  }
}

function parseStatus(text: string): ReadonlyMap<string, string> {
  return new Map(
    text
      .split('\n')
      .map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])
      .filter(([key]) => key !== ''),
  )
}

/** What tells apart which root directory, of which mount namespace, a process has. */
async function rootKey(pid: number | 'self'): Promise<string> {
  const root = await statFile(`/proc/${pid}/root`).catch(() => undefined)
  return root === undefined ? `process ${pid}` : `${namespaceId(pid, 'mnt')} ${root.dev} ${root.ino}`
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}
