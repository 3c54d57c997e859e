import { type AbortOptions, listenForAbort } from './abort.ts'

/** Resolves after `ms`, or rejects with the signal's reason. With `unref` it does not keep the process alive. */
export function sleep(ms: number, { signal, unref = false }: AbortOptions & { readonly unref?: boolean } = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const done = (): void => {
      signal?.removeEventListener('abort', aborted)
      resolve()
    }
    const aborted = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(done, ms)
    if (unref) timer.unref()
    if (signal) listenForAbort(signal, aborted)
  })
}
