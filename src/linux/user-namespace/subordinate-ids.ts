import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { LibpodError } from '../../base/errors.ts'

/** A run of ids that somebody may use besides his own. */
export interface IdRange {
  readonly start: number
  readonly count: number
}

/** Which ids inside of a user namespace are which outside: `[inside, outside, count]`, as in `/proc/<pid>/uid_map`. */
export type IdMapping = readonly [inside: number, outside: number, count: number]

/** What a user namespace is made with. */
export interface IdMappings {
  readonly uids: readonly IdMapping[]
  readonly gids: readonly IdMapping[]
}

/** Containers expect at least the ids of a usual /etc/passwd; what is proposed gives them 65,536. */
const proposedStart = 100_000
const proposedCount = 65_536

/** A user as the files of subordinate ids may name him. */
export interface SubordinateUser {
  readonly uid: number
  readonly gid: number
  /** Absent where /etc/passwd does not know the number. */
  readonly name?: string | undefined
}

/** The user of this process. */
export function currentUser(): SubordinateUser {
  const uid = process.geteuid?.() ?? 0
  const gid = process.getegid?.() ?? 0
  try {
    return { uid, gid, name: userInfo().username }
  } catch {
    return { uid, gid }
  }
}

/** The ranges of a user in the text of /etc/subuid or /etc/subgid, by his name and by his number; broken lines are passed over, as newuidmap does. */
export function parseSubordinateIds(text: string, { uid, name }: Pick<SubordinateUser, 'uid' | 'name'>): IdRange[] {
  const ranges: IdRange[] = []
  for (const line of text.split('\n')) {
    const [who, start = '', count = '', ...more] = line.trim().split(':')
    if (who === undefined || (who !== name && who !== String(uid)) || more.length > 0) continue
    if (!/^\d+$/.test(start) || !/^[1-9]\d*$/.test(count)) continue
    ranges.push({ start: Number(start), count: Number(count) })
  }
  return ranges
}

/** His own id becomes root's, and all ranges follow without a gap. */
export function mappingsOf(own: number, ranges: readonly IdRange[]): IdMapping[] {
  const mappings: IdMapping[] = [[0, own, 1]]
  let next = 1
  for (const { start, count } of ranges) {
    mappings.push([next, start, count])
    next += count
  }
  return mappings
}

/** Reads the mappings of a user. Throws `unavailable`, with what to add where, when he has no ids but his own. */
export async function readIdMappings(user: SubordinateUser, etc = '/etc'): Promise<IdMappings> {
  const [subuid, subgid] = await Promise.all(['subuid', 'subgid'].map((name) => readText(`${etc}/${name}`)))
  const uids = parseSubordinateIds(subuid ?? '', user)
  const gids = parseSubordinateIds(subgid ?? '', user)
  const missing = [...(uids.length === 0 ? [`${etc}/subuid`] : []), ...(gids.length === 0 ? [`${etc}/subgid`] : [])]
  if (missing.length > 0) throw noSubordinateIds(user, missing)
  return { uids: mappingsOf(user.uid, uids), gids: mappingsOf(user.gid, gids) }
}

function noSubordinateIds({ uid, name }: SubordinateUser, missing: readonly string[]): LibpodError<'unavailable'> {
  const who = name ?? String(uid)
  const last = proposedStart + proposedCount - 1
  return new LibpodError(
    'unavailable',
    `The user ${who} has no subordinate ids: ${missing.join(' and ')} ${missing.length > 1 ? 'have' : 'has'} no line for it, and without them there are no containers without root.`,
    { what: missing[0] ?? '/etc/subuid' },
    {
      hint: `Have root add them: usermod --add-subuids ${proposedStart}-${last} --add-subgids ${proposedStart}-${last} ${who}, or the line ${who}:${proposedStart}:${proposedCount} in ${missing.join(' and in ')} (a range that no other line there has).`,
    },
  )
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
