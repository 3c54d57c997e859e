/**
 * Every code a {@link LibpodError} can carry. Codes never change their meaning; new ones may be added in a minor release.
 *
 * @public
 */
export const errorCodes = [
  'not-found',
  'already-exists',
  'ambiguous',
  'in-use',
  'invalid-argument',
  'invalid-state',
  'conflict',
  'unsupported',
  'unavailable',
  'command-failed',
  'partial-failure',
  'permission-denied',
  'registry',
  'trust',
  'corrupt',
  'no-space',
  'slow-consumer',
  'closed',
  'internal',
] as const

/** What went wrong, as a literal that code can branch on. @public */
export type ErrorCode = (typeof errorCodes)[number]

/** The typed details of each code. @public */
export interface ErrorDetails {
  /** The object that was asked for. */
  'not-found': { readonly kind: string; readonly ref: string }
  /** The object that holds the name. */
  'already-exists': { readonly kind: string; readonly name: string; readonly id?: string }
  /** The ids that an abbreviated id could mean. */
  ambiguous: { readonly kind: string; readonly ref: string; readonly candidates: readonly string[] }
  /** The objects that use the one in question, as `kind/id`. */
  'in-use': { readonly kind: string; readonly ref: string; readonly users: readonly string[] }
  /** Where in the options (or in the input) the bad value is, as in `mounts[0].target`. */
  'invalid-argument': { readonly path: string; readonly value?: unknown }
  /** The state the object is in, and those the verb works from. */
  'invalid-state': {
    readonly kind: string
    readonly ref: string
    readonly state: string
    readonly allowed: readonly string[]
    readonly verb: string
  }
  /** Somebody else changed it, or holds it in another way. */
  conflict: { readonly what: string }
  /** What is not supported, and where. */
  unsupported: { readonly what: string }
  /** The program, file or service that is missing, and how to install it where that is known. */
  unavailable: { readonly what: string; readonly install?: string }
  /** A helper program failed. `exitCode` follows the convention of 126 (not executable) and 127 (not found) where the program in the container could not be run. */
  'command-failed': {
    readonly argv: readonly string[]
    readonly exitCode: number | null
    readonly signal?: string
    readonly stderr: string
  }
  /** The containers with which a verb on all of them failed, and why; with the others it did what it should. */
  'partial-failure': {
    readonly kind: string
    readonly ref: string
    readonly verb: string
    readonly failures: readonly { readonly id: string; readonly name: string; readonly code?: ErrorCode; readonly message: string }[]
  }
  /** The path or object that may not be used. */
  'permission-denied': { readonly what: string }
  /** The registry and what it answered; whether the same may work later, and when, if it said so. */
  registry: { readonly registry: string; readonly status?: number; readonly retryable?: boolean; readonly retryAfterMs?: number }
  /** The image that is not trusted. */
  trust: { readonly image: string }
  /** What is damaged, forged or cut off: a file, an archive's entry, a blob. */
  corrupt: { readonly what: string }
  /** The file system that is full. */
  'no-space': { readonly path: string }
  /** How many bytes were waiting when the reader was dropped. */
  'slow-consumer': { readonly bufferedBytes: number }
  /** What was closed. */
  closed: { readonly what: string }
  /** A broken promise of this library to itself: please report it. */
  internal: { readonly what: string }
}

const brand = Symbol.for('libpod-ts.error')

/** How a {@link LibpodError} is made. @public */
export interface LibpodErrorOptions {
  /** The error that led to this one. */
  readonly cause?: unknown
  /** What the caller can do about it; it becomes the last sentence of the message. */
  readonly hint?: string
}

/**
 * The one error class of this library. Branch on {@link LibpodError.code}; `details` is typed by it.
 * Test with {@link isLibpodError}, which also works across two copies of this package.
 *
 * An aborted verb does not reject with this class, but with `signal.reason` itself.
 *
 * @example
 * ```ts
 * try {
 *   await runtime.containers.get('web')
 * } catch (error) {
 *   if (isLibpodError(error, 'not-found')) console.log(`no ${error.details.kind} ${error.details.ref}`)
 *   else throw error
 * }
 * ```
 *
 * @public
 */
export class LibpodError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name: string = 'LibpodError'
  /** What went wrong, as a literal. */
  readonly code: Code
  /** The particulars, typed by {@link LibpodError.code}. */
  readonly details: ErrorDetails[Code]
  /** What the caller can do about it, when there is something; also the end of the message. */
  readonly hint?: string

  constructor(code: Code, message: string, details: ErrorDetails[Code], options: LibpodErrorOptions = {}) {
    super(options.hint === undefined ? message : `${message} ${options.hint}`, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.details = details
    if (options.hint !== undefined) this.hint = options.hint
    Object.defineProperty(this, brand, { value: true })
  }
}

/**
 * Tells whether a value is a {@link LibpodError}, of the given code if one is given. It looks at a brand, not at the
 * class, so errors of another copy of this package are known too.
 *
 * @public
 */
export function isLibpodError<Code extends ErrorCode = ErrorCode>(
  value: unknown,
  code?: Code,
): value is { [C in Code]: LibpodError<C> }[Code] {
  if (typeof value !== 'object' || value === null || !(brand in value)) return false
  return code === undefined || (value as unknown as LibpodError).code === code
}

/** A `LibpodError` that crossed a process boundary. */
export interface SerializedError {
  readonly code?: ErrorCode
  readonly message: string
  readonly hint?: string
  readonly details?: unknown
  readonly errno?: string
  readonly stack?: string
}

/** Makes any thrown value fit for a JSON message. */
export function serializeError(error: unknown): SerializedError {
  if (isLibpodError(error)) {
    const message = error.hint === undefined ? error.message : error.message.slice(0, -error.hint.length - 1)
    return { code: error.code, message, details: error.details, ...(error.hint === undefined ? {} : { hint: error.hint }) }
  }
  const plain = error instanceof Error ? error : new Error(String(error))
  const errno = (plain as NodeJS.ErrnoException).code
  return { message: plain.message, ...(errno === undefined ? {} : { errno }), ...(plain.stack === undefined ? {} : { stack: plain.stack }) }
}

/** The reverse of {@link serializeError}. */
export function deserializeError(error: SerializedError): Error {
  if (error.code !== undefined)
    return new LibpodError(
      error.code,
      error.message,
      error.details as ErrorDetails[ErrorCode],
      error.hint === undefined ? {} : { hint: error.hint },
    )
  return Object.assign(new Error(error.message), error.errno === undefined ? {} : { code: error.errno })
}
