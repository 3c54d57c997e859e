import { closeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { LibpodError } from '../../base/errors.ts'
import { openNamespace } from '../namespaces.ts'
import { makePipe, readableFrom, writableTo } from '../pipe.ts'
import { findProgram, programDirectories } from '../process/find-program.ts'
import { commandFailed, type ProgramResult, runProgram } from '../process/run-program.ts'
import { type SpawnedProcess, spawnProcess } from '../process/spawn.ts'
import type { NamespacePair } from './namespace-pair.ts'
import type { IdMapping, IdMappings } from './subordinate-ids.ts'

/** The programs that make and enter user namespaces. */
export interface NamespacePrograms {
  readonly newuidmap: string
  readonly newgidmap: string
  readonly unshare: string
  readonly nsenter: string
}

/** What namespaces are made with. */
export interface MakeNamespacesOptions {
  readonly programs: NamespacePrograms
  readonly mappings: IdMappings
  /** Folders that are to be empty inside. */
  readonly hide: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** How long anything here may take; it takes some 20 ms. */
const patienceMs = 10_000

/** Finds them. Throws `unavailable`, with what to install. */
export async function findNamespacePrograms(directories: readonly string[] = programDirectories): Promise<NamespacePrograms> {
  const find = async (name: string, apt: string, dnf: string): Promise<string> => {
    const path = await findProgram(name, directories)
    if (path !== undefined) return path
    throw new LibpodError(
      'unavailable',
      `${name} is not installed, and without it there are no containers without root.`,
      { what: name, install: `apt-get install ${apt}` },
      { hint: `Install it: apt-get install ${apt}, or dnf install ${dnf}.` },
    )
  }
  const [newuidmap, newgidmap, unshare, nsenter] = await Promise.all([
    find('newuidmap', 'uidmap', 'shadow-utils'),
    find('newgidmap', 'uidmap', 'shadow-utils'),
    find('unshare', 'util-linux', 'util-linux'),
    find('nsenter', 'util-linux', 'util-linux-core'),
  ])
  return { newuidmap, newgidmap, unshare, nsenter }
}

/** Makes a user namespace with these mappings, and a mount namespace in it. */
export async function makeNamespaces(options: MakeNamespacesOptions): Promise<NamespacePair> {
  const { programs, mappings, env } = options
  return hold(options, [programs.unshare, '--user', '--mount', '--propagation', 'slave', '--'], async (pid) => {
    await Promise.all([writeMap(programs.newuidmap, pid, mappings.uids, env), writeMap(programs.newgidmap, pid, mappings.gids, env)])
  })
}

/** Makes a new mount namespace in a user namespace that is there already: the descriptor is given back beside it. */
export async function makeMountNamespace(user: number, options: MakeNamespacesOptions): Promise<NamespacePair> {
  const { nsenter, unshare } = options.programs
  const enter = [nsenter, `--user=/proc/${process.pid}/fd/${user}`, '--preserve-credentials', '--']
  const pair = await hold(options, [...enter, unshare, '--mount', '--propagation', 'slave', '--'], async () => {})
  closeSync(pair.user)
  return { user, mount: pair.mount }
}

/** Starts a shell in new namespaces, opens them while it is there, and lets it go. */
async function hold(
  { hide, env }: MakeNamespacesOptions,
  command: readonly string[],
  prepare: (pid: number) => Promise<void>,
): Promise<NamespacePair> {
  const mounts = hide.map((_, index) => `mount -t tmpfs -o size=4k,mode=755 tmpfs "$${index + 1}" && `).join('')
  const shell = ['/bin/sh', '-c', `echo made && read -r step && ${mounts}echo ready && read -r step`, 'sh', ...hide]
  return whileHeld({ argv: [...command, ...shell], env, prepare }, (pid) => {
    const user = openNamespace(pid, 'user')
    try {
      return { user, mount: openNamespace(pid, 'mnt') }
    } catch (error) {
      closeSync(user)
      throw error
    }
  })
}

/** Makes a network namespace where `prefix` leads to, with its loopback up. */
export async function openNetworkNamespace(prefix: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const unshare = await findProgram('unshare')
  const shell = ['/bin/sh', '-c', 'echo made && read -r step && ip link set lo up && echo ready && read -r step']
  return whileHeld({ argv: [...prefix, unshare ?? 'unshare', '--net', '--', ...shell], env, prepare: async () => {} }, (pid) =>
    openNamespace(pid, 'net'),
  )
}

/** Starts a shell that says `made`, reads a line, says `ready` and reads another: `use` looks at it then. When this process dies, it goes. */
async function whileHeld<T>(
  {
    argv,
    env,
    prepare,
  }: {
    readonly argv: readonly string[]
    readonly env: Readonly<Record<string, string>>
    prepare(pid: number): Promise<void>
  },
  use: (pid: number) => T,
): Promise<T> {
  const { child, stdin, stdout } = startTalking(argv, env)
  const lines = createInterface({ input: stdout, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]()
  const late = setTimeout(() => child.kill(SIGKILL), patienceMs)
  const expectLine = async (expected: string): Promise<void> => {
    const said: string[] = []
    for (let next = await lines.next(); !next.done; next = await lines.next()) {
      if (next.value === expected) return
      said.push(next.value)
    }
    throw refused(argv, { ...(await child.exited), stderr: Buffer.from(said.join('\n')) })
  }
  try {
    await expectLine('made')
    await prepare(child.pid)
    stdin.write('\n')
    await expectLine('ready')
    return use(child.pid)
  } catch (error) {
    child.kill(SIGKILL)
    throw error
  } finally {
    clearTimeout(late)
    stdin.destroy()
    await child.exited
    stdout.destroy()
  }
}

/** A program that is written to and listened to, its complaints included. */
function startTalking(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): { readonly child: SpawnedProcess; readonly stdin: Writable; readonly stdout: Readable } {
  const [file = '', ...args] = command
  const stdin = makePipe()
  const stdout = makePipe()
  try {
    const child = spawnProcess({ file, args, env, stdio: [stdin.read, stdout.write, stdout.write] })
    // It may be gone when it is written to; that is told by what it said before.
    return { child, stdin: writableTo(stdin.write).on('error', () => {}), stdout: readableFrom(stdout.read) }
  } catch (error) {
    for (const fd of [stdin.write, stdout.read]) closeSync(fd)
    throw error
  } finally {
    for (const fd of [stdin.read, stdout.write]) closeSync(fd)
  }
}

async function writeMap(
  program: string,
  pid: number,
  mappings: readonly IdMapping[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const args = [String(pid), ...mappings.flat().map(String)]
  const result = await runProgram({ file: program, args, env, timeoutMs: patienceMs })
  if (result.code === 0) return
  throw new LibpodError(
    'unavailable',
    `The subordinate ids of this user cannot be used: ${commandFailed([program, ...args], result).message}`,
    { what: program },
    {
      hint: `${program} must be setuid root (or have the file capability), and the ranges in /etc/subuid and /etc/subgid must be this user's alone.`,
    },
  )
}

function refused(argv: readonly string[], result: Pick<ProgramResult, 'code' | 'signal' | 'stderr'>): LibpodError<'unavailable'> {
  const cause = commandFailed(argv, result)
  return new LibpodError(
    'unavailable',
    `This host lets its users make no user namespaces: ${result.stderr.toString().trim() || cause.message}`,
    { what: 'user namespaces' },
    {
      cause,
      hint: 'Look at the sysctls user.max_user_namespaces, kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns.',
    },
  )
}

const SIGKILL = 9
