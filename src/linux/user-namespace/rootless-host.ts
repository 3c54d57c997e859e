import { LibpodError } from '../../base/errors.ts'
import { bootId, namespacePath, processStartTimeSync } from '../proc.ts'
import { type Agreement, type AgreementFile, type Holder, openMountOf, openUserOf, withAgreement } from './agreement.ts'
import { findNamespacePrograms, makeMountNamespace, makeNamespaces } from './make-namespaces.ts'
import { closePair, enterPrefix, type NamespacePair, namespaceKey, namespaceKeyAt } from './namespace-pair.ts'
import { currentUser, type IdMappings, readIdMappings } from './subordinate-ids.ts'

/** An open place in the namespaces of rootless containers. */
export interface RootlessHost {
  /** What starts a program inside: it goes before the program and its arguments. Nothing for who is inside already. */
  readonly prefix: readonly string[]
  /** The ids that its user namespace has: those of its making, which may be other than those that the user was given since. */
  readonly mappings: IdMappings
  /** Whether the user was given other ids since. */
  readonly outdated: boolean
  /** Gives it up. The namespaces go with the last that holds them. Idempotent. */
  close(): Promise<void>
}

/** Options of {@link joinNamespaces}. */
export interface JoinNamespacesOptions {
  readonly runRoot: string
  /** Folders that are to be empty inside, if the namespaces are made anew. */
  readonly hide?: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly programDirectories?: readonly string[]
  /** Processes that may live in the namespaces: containers and their monitors. Asked only when no engine has them. */
  insiders(): Promise<readonly number[]>
}

/**
 * Joins the user and mount namespace in which all containers of this user and run root live, or makes them. There is no process that only
 * keeps them: each engine has both open, and so has, in its own way, each container; with the last of them they are gone.
 *
 * The user namespace must be the same for all, or one could not enter the containers of another. A new mount namespace in
 * it is as good as the old one, where only containers were left: each of those has its own.
 */
export async function joinNamespaces(options: JoinNamespacesOptions): Promise<RootlessHost> {
  const [programs, given, boot] = await Promise.all([
    findNamespacePrograms(options.programDirectories),
    readIdMappings(currentUser()),
    bootId(),
  ])
  const { runRoot, env, hide = [] } = options
  const making = { programs, mappings: given, hide, env }
  const { pair, mappings } = await withAgreement(runRoot, async (file) => {
    const agreed = file.read(boot)
    const user = agreed && (openUserOf(agreed, []) ?? openUserOf(agreed, await options.insiders()))
    const mount = agreed && openMountOf(agreed)
    const joined =
      user === undefined ? await makeNamespaces(making) : mount === undefined ? await makeMountNamespace(user, making) : { user, mount }
    const own = (user === undefined ? undefined : agreed?.mappings) ?? given
    enter(file, agreed, { pair: joined, mappings: own, boot })
    return { pair: joined, mappings: own }
  })
  return {
    prefix: enterPrefix(programs.nsenter, pair),
    mappings,
    outdated: JSON.stringify(mappings) !== JSON.stringify(given),
    close: closeOnce(async () => {
      await withAgreement(runRoot, async (file) => leave(file, boot, pair))
      closePair(pair)
    }),
  }
}

/**
 * The same for a process that was started inside, by a monitor or a helper. Rejects with `conflict` when the engines have agreed upon
 * other namespaces since: what this one made they could not enter.
 */
export async function stayInNamespaces(runRoot: string): Promise<RootlessHost> {
  const boot = await bootId()
  const user = namespaceKeyAt(namespacePath('self', 'user')) ?? ''
  await withAgreement(runRoot, async (file) => {
    const agreed = file.read(boot)
    if (agreed !== undefined && agreed.user !== user && agreed.holders.length > 0) throw elsewhere(runRoot)
    const same = agreed?.user === user ? agreed : undefined
    const { mount = '', mappings } = same ?? {}
    file.write({ boot, user, mount, ...(mappings === undefined ? {} : { mappings }), holders: [...(agreed?.holders ?? []), self()] })
  })
  return {
    prefix: [],
    mappings: { uids: [], gids: [] },
    outdated: false,
    close: closeOnce(() => withAgreement(runRoot, async (file) => leave(file, boot, undefined))),
  }
}

interface Entered extends Pick<Required<Agreement>, 'mappings' | 'boot'> {
  readonly pair: NamespacePair
}

function enter(file: AgreementFile, agreed: Agreement | undefined, { pair, mappings, boot }: Entered): void {
  const user = namespaceKey(pair.user)
  const holders = agreed?.user === user ? agreed.holders : []
  file.write({ boot, user, mappings, mount: namespaceKey(pair.mount), holders: [...holders, { ...self(), fds: pair }] })
}

function leave(file: AgreementFile, boot: string, pair: NamespacePair | undefined): void {
  const agreed = file.read(boot)
  if (agreed === undefined) return
  const holders = agreed.holders.filter(({ pid, fds }) => pid !== process.pid || fds?.user !== pair?.user)
  file.write({ ...agreed, holders })
}

function self(): Holder {
  return { pid: process.pid, startTime: processStartTimeSync(process.pid) ?? '' }
}

function closeOnce(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined
  return () => {
    closing ??= close()
    return closing
  }
}

function elsewhere(runRoot: string): LibpodError<'conflict'> {
  return new LibpodError(
    'conflict',
    `The engines of ${runRoot} live in other namespaces than this process.`,
    { what: 'namespaces' },
    { hint: 'Leave it to them.' },
  )
}
