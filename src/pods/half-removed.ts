import { LibpodError } from '../base/errors.ts'
import type { PodRecord } from './record.ts'

/** Its infra container is gone: who removed it did not come to the end. */
export function halfRemoved({ id, name }: PodRecord, verb: string): LibpodError<'invalid-state'> {
  return new LibpodError(
    'invalid-state',
    `Cannot ${verb} pod ${name}: its removal was begun.`,
    { kind: 'pod', ref: id, state: 'error', allowed: [], verb },
    { hint: 'Remove it to the end, and create another one.' },
  )
}
