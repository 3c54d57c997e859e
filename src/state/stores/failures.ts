import { LibpodError } from '../../base/errors.ts'
import type { StateCheck } from '../state-store.ts'

/** What a failed check rejects with. */
export function checkFailed(check: StateCheck): LibpodError<'conflict'> {
  const [what, expected] =
    'prefix' in check
      ? [check.prefix, 'expected to be empty']
      : 'version' in check
        ? [check.key, `expected at version ${check.version}`]
        : [check.key, check.exists ? 'expected to exist' : 'expected not to exist']
  return new LibpodError('conflict', `The state changed in between: ${what} was ${expected}.`, { what })
}

export function storeClosed(): LibpodError<'closed'> {
  return new LibpodError('closed', 'The state store is closed.', { what: 'state store' }, { hint: 'Open a new one.' })
}

/** What a full disk, or a full map, rejects with. */
export function storeFull(path: string, cause?: unknown): LibpodError<'no-space'> {
  return new LibpodError(
    'no-space',
    `The state store ${path} could not grow: its file system is full.`,
    { path },
    { cause, hint: 'Free some space there; nothing of this change was written.' },
  )
}

export function storeCorrupt(path: string, why: string, cause?: unknown): LibpodError<'corrupt'> {
  return new LibpodError(
    'corrupt',
    `The state store ${path} is damaged: ${why}.`,
    { what: path },
    { cause, hint: 'Restore it from a backup, or move it away and begin with an empty one.' },
  )
}
