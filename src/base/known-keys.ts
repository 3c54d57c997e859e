import { LibpodError } from './errors.ts'

/** Refuses options that do not exist: a misspelt one would be ignored in silence. For small sets, where loading zod is not worth it. */
export function checkKnownKeys(options: object, known: readonly string[], verb: string): void {
  checkIsObject(options)
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

/** Refuses what is neither true nor false: any text would count as yes. */
export function checkBooleans<Key extends string>(options: Readonly<Partial<Record<Key, unknown>>>, keys: readonly Key[]): void {
  for (const key of keys) {
    const value = options[key]
    if (value === undefined || typeof value === 'boolean') continue
    throw new LibpodError('invalid-argument', `${key}: must be true or false.`, { path: key, value })
  }
}

/** Refuses what is given in place of options, or nothing where some are needed. */
export function checkIsObject(options: unknown): void {
  if (Object(options) === options) return
  throw new LibpodError('invalid-argument', 'options: must be an object.', { path: 'options', value: options })
}
