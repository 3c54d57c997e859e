import { closeSync } from 'node:fs'
import { type AbortOptions, onAbort } from '../../base/abort.ts'
import { LibpodError } from '../../base/errors.ts'
import { type SpawnedProcess, type SpawnOptions, spawnProcess, spawnProcessInPool } from '../../linux/process/spawn.ts'
import type { RuntimeOutcome } from './failure.ts'
import { openMemoryFile, readMemoryFile } from './memory-file.ts'

/** A runtime program as it is called. */
export interface RuntimeProgram {
  readonly name: string
  /** The path to execute: the program's own, or that of a sealed copy. */
  readonly path: string
  /** Arguments before the verb. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** What starts it in its place, as `nsenter` does; nothing where it is started as it is. */
  readonly prefix?: readonly string[]
}

/** The path by which a program that is given its log as file descriptor 3 opens it. */
export const logArgs = ['--log', '/proc/self/fd/3', '--log-format', 'json'] as const

/**
 * Runs one verb to its end. An abort kills the program and rejects with the signal's reason. `start` is how it is started: the helper does
 * that at once.
 */
export async function invoke(
  program: RuntimeProgram,
  verb: readonly string[],
  { signal, start = startProgram }: AbortOptions & { readonly start?: StartProgram } = {},
): Promise<RuntimeOutcome & { readonly stdout: string }> {
  signal?.throwIfAborted()
  const log = openMemoryFile('oci-log')
  const out = openMemoryFile('oci-stdout')
  try {
    const child = await start(program, [...logArgs, ...verb], ['ignore', out, log, log])
    const release = onAbort(signal, () => child.kill(9))
    const ended = await child.exited.finally(release)
    signal?.throwIfAborted()
    return { code: ended.code, signal: ended.signal, log: readMemoryFile(log), stdout: readMemoryFile(out) }
  } finally {
    closeSync(log)
    closeSync(out)
  }
}

type StartProgram = (
  program: RuntimeProgram,
  more: readonly string[],
  stdio: SpawnOptions['stdio'],
) => SpawnedProcess | Promise<SpawnedProcess>

/** Starts the program. One that is not there any more is `unavailable`. */
export function startProgram(program: RuntimeProgram, more: readonly string[], stdio: SpawnOptions['stdio']): SpawnedProcess {
  try {
    return spawnProcess(spawnOptions(program, more, stdio))
  } catch (error) {
    throw notStarted(program, error)
  }
}

/** The same from the engine's own process, whose event loop goes on meanwhile. */
export async function startProgramInPool(
  program: RuntimeProgram,
  more: readonly string[],
  stdio: SpawnOptions['stdio'],
  { setsid = false }: { readonly setsid?: boolean } = {},
): Promise<SpawnedProcess> {
  try {
    return await spawnProcessInPool({ ...spawnOptions(program, more, stdio), setsid })
  } catch (error) {
    throw notStarted(program, error)
  }
}

function spawnOptions(
  { name, path, args, env, prefix = [] }: RuntimeProgram,
  more: readonly string[],
  stdio: SpawnOptions['stdio'],
): SpawnOptions {
  const [file, ...before] = prefix
  const all = [...args, ...more]
  const how = file === undefined ? { file: path, argv0: name, args: all } : { file, args: [...before, path, ...all] }
  return { ...how, env, stdio }
}

function notStarted({ name, path }: RuntimeProgram, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code !== 'ENOENT' && code !== 'EACCES') return error
  return new LibpodError(
    'unavailable',
    `The OCI runtime ${name} cannot be started from ${path} (${code}).`,
    { what: name, install: `apt-get install ${name}` },
    { cause: error, hint: `Install it: apt-get install ${name}, or dnf install ${name}.` },
  )
}
