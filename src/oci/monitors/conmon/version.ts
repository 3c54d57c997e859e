import { isFaultOfProgram } from '../../../linux/process/find-program.ts'
import { runProgram } from '../../../linux/process/run-program.ts'
import { conmonMissing, conmonSilent } from './failures.ts'

/** What conmon says its version is; `unknown` where it does not say. Rejects with `unavailable` for what is no program, or does not end. */
export async function conmonVersion(path: string, env: Readonly<Record<string, string>>, timeoutMs = 10_000): Promise<string> {
  const { stdout, timedOut } = await runProgram({ file: path, args: ['--version'], env, timeoutMs }).catch((error: unknown): never => {
    throw isFaultOfProgram(error) ? conmonMissing(path, error) : error
  })
  if (timedOut) throw conmonSilent(path, timeoutMs)
  return /version\s+(\S+)/.exec(stdout.toString('utf8'))?.[1] ?? 'unknown'
}
