import { LibpodError } from '../../base/errors.ts'
import type { PodRecord } from '../record.ts'

/** A verb was asked for that only running containers can be subject to. */
export function nothingRuns(verb: string, { id, name }: PodRecord): LibpodError<'invalid-state'> {
  return new LibpodError(
    'invalid-state',
    `Cannot ${verb} pod ${name}: nothing of it runs.`,
    { kind: 'pod', ref: id, state: 'exited', allowed: ['running', 'degraded', 'paused'], verb },
    { hint: 'Start it first.' },
  )
}
