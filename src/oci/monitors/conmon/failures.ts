import { readFileSync } from 'node:fs'
import { LibpodError } from '../../../base/errors.ts'
import type { ExitStatus } from '../../../linux/process/exit-status.ts'
import type { MonitorPlan } from '../../monitor.ts'
import { bundleFiles } from '../bundle-files.ts'

/** conmon is not there, may not be executed, or is no program. */
export function conmonMissing(path: string, cause: unknown): LibpodError<'unavailable'> {
  return unavailable(`conmon cannot be started from ${path} (${(cause as NodeJS.ErrnoException).code ?? 'unknown'}).`, cause)
}

/** What should be conmon does not even tell its version. */
export function conmonSilent(path: string, timeoutMs: number): LibpodError<'unavailable'> {
  return unavailable(`${path} --version was given up after ${timeoutMs / 1000} s: it cannot be conmon.`)
}

function unavailable(message: string, cause?: unknown): LibpodError<'unavailable'> {
  return new LibpodError(
    'unavailable',
    message,
    { what: 'conmon', install: 'apt-get install conmon' },
    {
      ...(cause === undefined ? {} : { cause }),
      hint: 'Install it: apt-get install conmon, or dnf install conmon. Where monitor.conmonPath or containers.conf names another program, correct that.',
    },
  )
}

/** conmon ended before it had anything to tell: it did not like its arguments, or somebody killed it. */
export function conmonEnded(plan: MonitorPlan, { code, signal }: ExitStatus): LibpodError<'command-failed'> {
  const said = lastWords(bundleFiles(plan).monitorLog)
  const how = signal === null ? `with exit code ${code}` : `by ${signal}`
  return new LibpodError(
    'command-failed',
    `conmon ended ${how} while it created container ${plan.name}${said === '' ? '' : `: ${said}`}.`,
    {
      argv: ['conmon', '-c', plan.id],
      exitCode: code,
      ...(signal === null ? {} : { signal }),
      stderr: said,
    },
  )
}

/** The runtime hangs. */
export function createTimedOut(plan: MonitorPlan, timeoutMs: number): LibpodError<'command-failed'> {
  return new LibpodError(
    'command-failed',
    `${plan.runtime.name} create of container ${plan.name} was given up after ${timeoutMs / 1000} s.`,
    { argv: [plan.runtime.path, ...plan.runtime.args, 'create', plan.id], exitCode: null, signal: 'SIGKILL', stderr: '' },
    { hint: 'A hook that does not end, or a mount of a server that does not answer, makes it wait.' },
  )
}

function lastWords(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim().split('\n').slice(-5).join('\n')
  } catch {
    return ''
  }
}
