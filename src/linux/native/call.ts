import { systemError } from '../errno.ts'
import { koffi } from './koffi.ts'
import { type FunctionName, prototypes } from './prototypes.ts'

/** What can be passed to libc: numbers, addresses, buffers (as pointers to their bytes), texts and lists of texts. */
export type Argument = number | bigint | string | Uint8Array | null | readonly (string | null)[]

type NativeFunction = ((...args: readonly Argument[]) => number) & { async(...args: readonly unknown[]): void }

/** Functions already bound, and `undefined` for those this libc does not have. */
const bound = new Map<FunctionName, NativeFunction | undefined>()

let lastError: (() => number) | undefined

/** A function of libc; `undefined` when this libc is too old for it. Binding costs some 9 µs, once. */
export function find(name: FunctionName): NativeFunction | undefined {
  const known = bound.get(name)
  if (known !== undefined || bound.has(name)) return known
  const library = koffi().load(null)
  let native: NativeFunction | undefined
  try {
    native = library.func(prototypes[name])
  } catch {
    native = undefined
  }
  bound.set(name, native)
  return native
}

/** Calls a function of libc and throws what Node would throw when it gives -1. */
export function call(name: FunctionName, path: string | Uint8Array | null | undefined, ...args: readonly Argument[]): number {
  const result = tryCall(name, ...args)
  if (result < 0) throw systemError(-result, name, shownPath(path))
  return result
}

/** Calls a function of libc; a failure comes as the negated error number. */
export function tryCall(name: FunctionName, ...args: readonly Argument[]): number {
  const native = bound.get(name) ?? find(name)
  if (native === undefined) return -missingFunction
  lastError ??= koffi().errno as () => number
  for (;;) {
    const result = native(...args)
    if (result !== -1) return result
    // Any other failing call overwrites it, so nothing comes between.
    const errno = lastError()
    if (errno !== interrupted) return -errno
  }
}

/** The pool has four threads, and koffi takes 256 calls at most. */
const mostInPool = 8
let inPoolNow = 0
const forPool: (() => void)[] = []

/** Makes a call that takes long, and no path, on a thread of the pool. What it gives is -1 only where that is a failure. */
export async function inPool(name: FunctionName, ...args: readonly Argument[]): Promise<number> {
  const native = find(name)
  if (native === undefined) throw systemError(missingFunction, name)
  if (inPoolNow === mostInPool) await new Promise<void>((resolve) => forPool.push(resolve))
  else inPoolNow++
  try {
    const result = await new Promise<number>((resolve, reject) => {
      native.async(...args, (failed: Error | null, given: number) => (failed === null ? resolve(given) : reject(failed)))
    })
    // The error number stayed in the other thread.
    if (result === -1) throw systemError(EIO, name)
    return result
  } finally {
    // Whoever waits longest takes the place over.
    const next = forPool.shift()
    if (next === undefined) inPoolNow--
    else next()
  }
}

/** A path as libc takes it. A NUL in it would cut it short, and be another path. */
export function pathArgument(path: string | Uint8Array): string | Uint8Array {
  if (path.includes(nul(path) as never)) {
    const error = new TypeError(`A path with a NUL in it names no file: ${JSON.stringify(shownPath(path))}.`)
    throw Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' })
  }
  return typeof path === 'string' ? path : Buffer.concat([path, terminator])
}

/** ENOSYS, EINTR and EIO, the same on every architecture that is supported. */
const missingFunction = 38
const interrupted = 4
const EIO = 5
const terminator = Buffer.alloc(1)

function nul(path: string | Uint8Array): string | number {
  return typeof path === 'string' ? '\0' : 0
}

/** A path as an error shows it. */
export function shownPath(path: string | Uint8Array | null | undefined): string | undefined {
  return path instanceof Uint8Array ? Buffer.from(path).toString() : (path ?? undefined)
}
