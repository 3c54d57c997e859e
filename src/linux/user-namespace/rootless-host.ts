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
  readonly mappings: IdMappings
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
  const [programs, mappings, boot] = await Promise.all([
    findNamespacePrograms(options.programDirectories),
    readIdMappings(currentUser()),
    bootId(),
  ])
  const { runRoot, env, hide = [] } = options
  const making = { programs, mappings, hide, env }
  const pair = await withAgreement(runRoot, async (file) => {
    const agreed = file.read(boot)
    const user = agreed && (openUserOf(agreed, []) ?? openUserOf(agreed, await options.insiders()))
    const mount = agreed && openMountOf(agreed)
    const joined =
      user === undefined ? await makeNamespaces(making) : mount === undefined ? await makeMountNamespace(user, making) : { user, mount }
    enter(file, agreed, joined, boot)
    return joined
  })
  return {
    prefix: enterPrefix(programs.nsenter, pair),
    mappings,
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
    const mount = agreed?.user === user ? agreed.mount : ''
    file.write({ boot, user, mount, holders: [...(agreed?.holders ?? []), self()] })
  })
  return {
    prefix: [],
    mappings: { uids: [], gids: [] },
    close: closeOnce(() => withAgreement(runRoot, async (file) => leave(file, boot, undefined))),
  }
}

function enter(file: AgreementFile, agreed: Agreement | undefined, pair: NamespacePair, boot: string): void {
  const user = namespaceKey(pair.user)
  const holders = agreed?.user === user ? agreed.holders : []
  file.write({ boot, user, mount: namespaceKey(pair.mount), holders: [...holders, { ...self(), fds: pair }] })
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
