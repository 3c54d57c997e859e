import { LibpodError } from '../base/errors.ts'
import { findProgram } from '../linux/process/find-program.ts'
import { commandFailed, runProgram } from '../linux/process/run-program.ts'
import type { RegistryCredentials } from './auth-file.ts'
import { isTable } from './conf-values.ts'

/** What a program of the user's is run with. */
export interface HelperPrograms {
  readonly searchPath: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

/** One that asks a person for a password never answers. */
const patienceMs = 60_000
/** By this name a helper says that its secret is a token. */
const tokenUser = '<token>'
/** All helpers say it in these words, and end with a code of 1. */
const nothingThere = /credentials not found/i

/** Asks `docker-credential-<name>` for the credentials of a registry. */
export async function askCredentialHelper(
  name: string,
  registry: string,
  { searchPath, env, signal }: HelperPrograms,
): Promise<RegistryCredentials | undefined> {
  const program = `docker-credential-${name}`
  const file = name.includes('/') ? undefined : await findProgram(program, searchPath)
  if (file === undefined) {
    throw new LibpodError(
      'unavailable',
      `${program}, which keeps the credentials for ${registry}, is not there.`,
      { what: program },
      { hint: 'Install it, or take it out of credHelpers and credsStore in auth.json.' },
    )
  }
  const result = await runProgram({ file, args: ['get'], env, input: registry, timeoutMs: patienceMs, maxOutputBytes: 1 << 20, signal })
  if (result.code === 0) return parseAnswer(program, result.stdout)
  if (nothingThere.test(`${result.stdout.toString()} ${result.stderr.toString()}`)) return undefined
  // It says what went wrong on its stdout.
  throw commandFailed([file, 'get'], { ...result, stderr: Buffer.concat([result.stderr, result.stdout]) })
}

function parseAnswer(program: string, stdout: Buffer): RegistryCredentials | undefined {
  let answer: unknown
  try {
    answer = JSON.parse(stdout.toString())
  } catch {
    answer = undefined
  }
  const { Username: username, Secret: secret } = isTable(answer) ? answer : {}
  if (typeof username !== 'string' || typeof secret !== 'string') {
    throw new LibpodError(
      'invalid-argument',
      `${program} did not answer with a Username and a Secret.`,
      { path: program },
      { hint: 'See whether it is the program that it should be.' },
    )
  }
  if (secret === '') return undefined
  return username === tokenUser ? { identityToken: secret, username: '' } : { username, password: secret }
}
