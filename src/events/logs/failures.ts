import { LibpodError } from '../../base/errors.ts'

export function badCursor(cursor: string): LibpodError<'invalid-argument'> {
  return new LibpodError(
    'invalid-argument',
    `after: ${JSON.stringify(cursor)} is no cursor of this log.`,
    { path: 'after', value: cursor },
    { hint: 'Give the cursor of an event.' },
  )
}

export function logClosed(): LibpodError<'closed'> {
  return new LibpodError('closed', 'The event log is closed.', { what: 'event log' }, { hint: 'Open a new runtime.' })
}
