import { LibpodError } from './errors.ts'

/** Checks the options of a verb that has none but a signal; none may be given. */
export function checkAbortOptions(options: object | undefined, verb: string): void {
  if (options !== undefined) checkKnownKeys(options, ['signal'], verb)
}

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
  checkSignal((options as { readonly signal?: unknown }).signal)
}

/** By what it can do: it may come from another realm. */
function checkSignal(signal: unknown): void {
  if (signal === undefined || typeof (signal as Partial<AbortSignal> | null)?.throwIfAborted === 'function') return
  throw new LibpodError('invalid-argument', 'signal: must be an AbortSignal.', { path: 'signal', value: signal })
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
