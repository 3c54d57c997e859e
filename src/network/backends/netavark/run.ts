import { readdir, readFile, stat } from 'node:fs/promises'
import { LibpodError } from '../../../base/errors.ts'
import { signalProcess, watchPid } from '../../../linux/pidfd.ts'
import { processStartTime } from '../../../linux/proc.ts'
import { runProgram } from '../../../linux/process/run-program.ts'
import type { NetworkBackendInfo } from '../../backend.ts'

/** How netavark is called. */
export interface NetavarkCall {
  readonly verb: 'setup' | 'teardown'
  readonly namespace: string
  readonly input: string
  readonly signal?: AbortSignal | undefined
}

/** Where it works. */
export interface NetavarkPlace {
  /** The folder of its own files: what it tells aardvark-dns. */
  readonly config: string
  readonly env: Readonly<Record<string, string>>
}

/** A netavark that takes so long hangs. */
const timeoutMs = 60_000

/** Runs netavark and gives its stdout. Rejects with `command-failed` and its own words. */
export async function runNetavark(
  { path, dns }: NetworkBackendInfo,
  { config, env }: NetavarkPlace,
  { verb, namespace, input, signal }: NetavarkCall,
): Promise<string> {
  const args = ['--config', config, '--rootless=false', `--aardvark-binary=${dns?.path ?? '/nonexistent'}`, verb, namespace]
  const result = await runProgram({ file: path, args, env, input, timeoutMs, ...(signal === undefined ? {} : { signal }) })
  const stdout = result.stdout.toString()
  if (result.code === 0) return stdout
  const stderr = result.stderr.toString().trim()
  throw new LibpodError(
    'command-failed',
    result.timedOut
      ? `netavark ${verb} did not end within ${timeoutMs / 1000} s, and was killed.`
      : `netavark ${verb} failed: ${wordsOf(stdout) ?? (stderr === '' ? 'it did not say why' : stderr)}.`,
    {
      argv: [path, ...args],
      exitCode: result.code,
      stderr: `${stdout}${stderr}`,
      ...(result.signal === null ? {} : { signal: result.signal }),
    },
  )
}

/** It tells its errors as JSON. */
function wordsOf(stdout: string): string | undefined {
  try {
    const { error } = JSON.parse(stdout) as { readonly error?: string }
    return error?.replace(/\.$/, '')
  } catch {
    return undefined
  }
}

/**
 * Waits for those that an engine had started which was killed; one that hangs is killed. Nobody else is at work there: the caller has the
 * lock. They are found by their program and its arguments, in a walk through all of /proc: arguments alone anybody can have.
 */
export async function orphansEnded({ path }: NetworkBackendInfo, { config }: NetavarkPlace): Promise<void> {
  const program = await stat(path)
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  await Promise.all(
    pids.map(async (pid) => {
      const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
      if (args[1] !== '--config' || args[2] !== config) return
      const runs = await stat(`/proc/${pid}/exe`).catch(() => undefined)
      if (runs?.ino !== program.ino || runs.dev !== program.dev) return
      const startTime = await processStartTime(pid)
      const watch = watchPid(pid, startTime)
      watch.ref()
      const timer = setTimeout(() => signalProcess(pid, startTime, 9), timeoutMs)
      await watch.exited
      clearTimeout(timer)
    }),
  )
}
