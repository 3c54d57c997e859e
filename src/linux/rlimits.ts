import { readFile } from 'node:fs/promises'

/** The resource limits as OCI names them, with what `/proc/<pid>/limits` calls them. */
const titles = {
  RLIMIT_CPU: 'Max cpu time',
  RLIMIT_FSIZE: 'Max file size',
  RLIMIT_DATA: 'Max data size',
  RLIMIT_STACK: 'Max stack size',
  RLIMIT_CORE: 'Max core file size',
  RLIMIT_RSS: 'Max resident set',
  RLIMIT_NPROC: 'Max processes',
  RLIMIT_NOFILE: 'Max open files',
  RLIMIT_MEMLOCK: 'Max locked memory',
  RLIMIT_AS: 'Max address space',
  RLIMIT_LOCKS: 'Max file locks',
  RLIMIT_SIGPENDING: 'Max pending signals',
  RLIMIT_MSGQUEUE: 'Max msgqueue size',
  RLIMIT_NICE: 'Max nice priority',
  RLIMIT_RTPRIO: 'Max realtime priority',
  RLIMIT_RTTIME: 'Max realtime timeout',
} as const

/** A resource limit, as OCI names it. */
export type RlimitName = keyof typeof titles

/** Soft and hard limit; `Infinity` is "unlimited". */
export interface Rlimit {
  readonly soft: number
  readonly hard: number
}

export const rlimitNames = Object.keys(titles) as RlimitName[]

/** `nofile`, `NOFILE` or `RLIMIT_NOFILE` → `RLIMIT_NOFILE`; `undefined` for what is none. */
export function parseRlimitName(text: string): RlimitName | undefined {
  const upper = text.toUpperCase()
  const name = upper.startsWith('RLIMIT_') ? upper : `RLIMIT_${upper}`
  return rlimitNames.find((known) => known === name)
}

/** The limits of this process, or of another. */
export async function readRlimits(pid: number | 'self' = 'self'): Promise<ReadonlyMap<RlimitName, Rlimit>> {
  return parseRlimits(await readFile(`/proc/${pid}/limits`, 'utf8'))
}

export function parseRlimits(text: string): ReadonlyMap<RlimitName, Rlimit> {
  const limits = new Map<RlimitName, Rlimit>()
  for (const line of text.split('\n')) {
    const name = rlimitNames.find((candidate) => line.startsWith(`${titles[candidate]} `))
    if (name === undefined) continue
    const [soft, hard] = line.slice(titles[name].length).trim().split(/\s+/)
    if (soft !== undefined && hard !== undefined) limits.set(name, { soft: parseValue(soft), hard: parseValue(hard) })
  }
  return limits
}

/** What can be had of `wanted`: without CAP_SYS_RESOURCE no limit goes above the present hard limit. */
export function clampRlimit(wanted: Rlimit, current: Rlimit | undefined, canRaise: boolean): Rlimit {
  const hard = canRaise || current === undefined ? wanted.hard : Math.min(wanted.hard, current.hard)
  return { soft: Math.min(wanted.soft, hard), hard }
}

function parseValue(text: string): number {
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text)
}
