import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** What a program is run with. */
export interface CommandOptions {
  readonly signal?: AbortSignal
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
}

/** Runs a program and gives what it wrote; a failure tells what it said. */
export async function command([program = '', ...args]: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { stdout } = await execute(program, args, { ...options, maxBuffer: 64 * 1024 * 1024 })
  return stdout
}

/** The path of a program, if it is installed. runc lies where not everybody looks. */
export async function pathOf(program: string): Promise<string | undefined> {
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` }
  const found = await command(['/bin/sh', '-c', 'command -v "$0"', program], { env }).catch(() => '')
  return found.trim() === '' ? undefined : found.trim()
}
