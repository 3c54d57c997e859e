import { LibpodError } from './errors.ts'

/** Refuses options that do not exist: a misspelt one would be ignored in silence. For small sets, where loading zod is not worth it. */
export function checkKnownKeys(options: object, known: readonly string[], verb: string): void {
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue
    throw new LibpodError(
      'invalid-argument',
      `${key}: ${verb} has no such option.`,
      { path: key },
      { hint: `The options are ${[...known].sort().join(', ')}.` },
    )
  }
}
