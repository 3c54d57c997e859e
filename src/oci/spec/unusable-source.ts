import { LibpodError } from '../../base/errors.ts'

/** What an option names on the host is not there, or may not be looked at. */
export function unusableSource(path: string, source: string, cause: unknown): LibpodError<'invalid-argument'> {
  const { code } = cause as NodeJS.ErrnoException
  return new LibpodError(
    'invalid-argument',
    `${path}: ${source} cannot be used (${code ?? 'unknown'}).`,
    { path, value: source },
    { cause, hint: 'It must be there on the host before the container starts.' },
  )
}
