import { isLibpodError, LibpodError } from '../../base/errors.ts'
import type { ExitStatus } from '../process/exit-status.ts'

const what = 'helper process'

/** The helper ended while it ran this call. */
export function helperLost(operation: string, how: string): LibpodError<'unavailable'> {
  return new LibpodError(
    'unavailable',
    `The helper process ended while it ran ${operation}: ${how}.`,
    { what },
    { hint: 'Try again: another one is started.' },
  )
}

/** Whether a call failed only because its helper ended, for instance because another call hung: it can be made again. */
export function isHelperLost(error: unknown): boolean {
  return isLibpodError(error, 'unavailable') && error.details.what === what
}

export function describeExit({ code, signal }: ExitStatus): string {
  return signal === null ? `it exited with code ${code}` : `it was killed by ${signal}`
}
