import { LibpodError } from '../base/errors.ts'
import type { ImagesServices } from './services.ts'

/** What was under way, as messages say it. */
type Work = 'a pull' | 'a load' | 'an import' | 'a save'

/** Runs `work` so that closing the engine ends it, and waits for that. Whether the engine is closed was looked at just before. */
export async function untilClosed<Result>(
  { closer }: Pick<ImagesServices, 'closer'>,
  what: Work,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const closed = new AbortController()
  const working = work(signal === undefined ? closed.signal : AbortSignal.any([signal, closed.signal]))
  const forget = closer.add(async () => {
    closed.abort(closedDuring(what))
    await working.catch(() => {})
  })
  try {
    return await working
  } finally {
    forget()
  }
}

/** What was cut off because its engine was closed. */
export function closedDuring(what: Work): LibpodError<'closed'> {
  return new LibpodError(
    'closed',
    `The runtime was closed during ${what}.`,
    { what: 'runtime' },
    { hint: 'Open a new one, and do it again.' },
  )
}
