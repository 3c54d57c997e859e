import { LibpodError } from '../../base/errors.ts'
import type { Zod } from '../../base/schema.ts'
import type { RuntimeUser } from '../../specs/runtime-spec.ts'
import type { SpecHost } from './spec-host.ts'

/** Who runs the container's program. @public */
export interface UserOptions {
  /** `user`, `user:group`, or their numbers, looked up in the container's own `/etc/passwd` and `/etc/group`; the image's user if not given, else root. */
  readonly user?: string | undefined
  /** Further groups for the program, by name or number. */
  readonly groups?: readonly string[] | undefined
}

/** The user options as they are stored. */
export interface NormalizedUser {
  /** Empty: root. */
  readonly user: string
  readonly groups: readonly string[]
}

/** The container's `/etc/passwd` and `/etc/group`, as texts; empty where there is none. */
export interface Accounts {
  readonly passwd: string
  readonly group: string
}

/** A user as it is in the container. */
export interface ResolvedUser {
  readonly uid: number
  readonly gid: number
  readonly additionalGids: readonly number[]
  readonly home: string
}

export const userShape = (z: Zod) => ({
  user: z
    .string()
    .regex(/^[^:\0\n]*(:[^:\0\n]*)?$/, 'must be "user" or "user:group"')
    .optional(),
  groups: z.array(z.string().regex(/^[^:\0\n]+$/, 'must be the name or number of a group')).optional(),
})

export function normalizeUser({ user, groups }: UserOptions, image: { readonly user?: string } = {}): NormalizedUser {
  for (const part of user?.split(':') ?? []) idOf(part, 'user')
  return { user: user ?? image.user ?? '', groups: [...(groups ?? [])] }
}

interface PasswdEntry {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

interface GroupEntry {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

const largestId = 2 ** 31 - 1

/** Looks a user up as Podman does. A number needs no entry, a name does. Throws `invalid-argument` at `user` or `groups`. */
export function resolveUser({ user, groups }: NormalizedUser, accounts: Accounts): ResolvedUser {
  const [userPart = '', groupPart = ''] = user.split(':')
  const groupEntries = parseGroup(accounts.group)
  const entry = findUser(userPart, accounts.passwd)
  const gid = groupPart === '' ? (entry.gid ?? 0) : groupId(groupPart, groupEntries, 'user')
  const gids = new Set<number>()
  if (user !== '') gids.add(gid)
  for (const [index, group] of groups.entries()) gids.add(groupId(group, groupEntries, `groups[${index}]`))
  if (!user.includes(':') && entry.name !== undefined) {
    for (const { gid: id, members } of groupEntries) if (members.includes(entry.name)) gids.add(id)
  }
  return { uid: entry.uid, gid, additionalGids: [...gids], home: entry.home === undefined || entry.home === '' ? '/' : entry.home }
}

/** The user part of the OCI `process`. Throws `invalid-argument` for ids that containers here do not have. */
export function processUser({ uid, gid, additionalGids }: ResolvedUser, { defaults: { umask }, ids }: UserHost): RuntimeUser {
  if (ids !== undefined) {
    requireId(uid, ids.uids, { kind: 'user', path: 'user', file: '/etc/subuid' })
    requireId(gid, ids.gids, { kind: 'group', path: 'user', file: '/etc/subgid' })
    for (const group of additionalGids) requireId(group, ids.gids, { kind: 'group', path: 'groups', file: '/etc/subgid' })
  }
  return { uid, gid, umask, ...(additionalGids.length === 0 ? {} : { additionalGids }) }
}

type UserHost = Pick<SpecHost, 'ids'> & { readonly defaults: Pick<SpecHost['defaults'], 'umask'> }

/** The kernel would say no more than that it is invalid. */
function requireId(id: number, count: number, { kind, path, file }: Readonly<Record<'kind' | 'path' | 'file', string>>): void {
  if (id < count) return
  throw new LibpodError(
    'invalid-argument',
    `${path}: the ${kind} ${id} is none that containers of this user can have: without root they have those up to ${count - 1}.`,
    { path, value: id },
    { hint: `Use one of those, or have root add to this user's line in ${file}; that is seen when nothing of this user's runs any more.` },
  )
}

function findUser(
  user: string,
  passwd: string,
): { readonly uid: number; readonly gid?: number; readonly name?: string; readonly home?: string } {
  const entries = parsePasswd(passwd)
  const wanted = user === '' ? '0' : user
  // A name that looks like a number is a name first, as with Docker and Podman.
  const number = idOf(wanted, 'user')
  const entry = entries.find(({ name }) => name === wanted) ?? entries.find(({ uid }) => uid === number)
  if (entry) return entry
  if (number !== undefined) return { uid: number }
  throw new LibpodError(
    'invalid-argument',
    `user: the container has no user ${JSON.stringify(wanted)} in its /etc/passwd.`,
    { path: 'user', value: user },
    { hint: 'Add it to the image, or give its number.' },
  )
}

function groupId(group: string, entries: readonly GroupEntry[], path: string): number {
  const number = idOf(group, path)
  const entry = entries.find(({ name }) => name === group)
  if (entry) return entry.gid
  if (number !== undefined) return number
  throw new LibpodError(
    'invalid-argument',
    `${path}: the container has no group ${JSON.stringify(group)} in its /etc/group.`,
    { path, value: group },
    { hint: 'Add it to the image, or give its number.' },
  )
}

function idOf(text: string, path: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined
  const id = Number(text)
  if (id <= largestId) return id
  throw new LibpodError('invalid-argument', `${path}: ${text} is above the largest id, ${largestId}.`, { path, value: text })
}

/** Lines that are not what they should be are passed over, as libc does. */
function parsePasswd(text: string): PasswdEntry[] {
  const entries: PasswdEntry[] = []
  for (const fields of linesOf(text)) {
    const [name = '', , uid = '', gid = '', , home = ''] = fields
    if (name !== '' && isId(uid) && isId(gid)) entries.push({ name, uid: Number(uid), gid: Number(gid), home })
  }
  return entries
}

function parseGroup(text: string): GroupEntry[] {
  const entries: GroupEntry[] = []
  for (const fields of linesOf(text)) {
    const [name = '', , gid = '', members = ''] = fields
    if (name !== '' && isId(gid)) entries.push({ name, gid: Number(gid), members: members.split(',').map((member) => member.trim()) })
  }
  return entries
}

function linesOf(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.trim().split(':'))
}

function isId(text: string): boolean {
  return /^\d+$/.test(text) && Number(text) <= largestId
}
