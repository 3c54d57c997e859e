import type { AbortOptions } from '../base/abort.ts'
import { Closer } from '../base/closer.ts'
import type { ContainersServices } from './services.ts'

/**
 * The same services for what must be brought to its end while the runtime closes, when new work is refused. They work as long as what the
 * closing waits for: ends that are being recorded, and what `services.ephemerals` ends.
 */
export function whileClosing(services: ContainersServices): ContainersServices {
  return { ...services, closer: new Closer('runtime') }
}

/**
 * Does work whose containers must not outlive this engine. When it closes, the work is aborted, with `closed`, and waited for: what it has
 * made so far is taken back by the work itself, or, if it was just ready, by `end`.
 */
export async function endedByClosing<Options extends AbortOptions, T>(
  services: ContainersServices,
  options: Options,
  work: (services: ContainersServices, options: Options) => Promise<T>,
  end: (made: T) => Promise<void> = async () => {},
): Promise<T> {
  services.closer.check()
  const closing = new AbortController()
  const done = work(whileClosing(services), withSignal(options, closing.signal))
  const unregister = services.ephemerals.add(async () => {
    closing.abort(services.closer.reason())
    await done.then(end, () => {})
  })
  try {
    return await done
  } finally {
    unregister()
  }
}

/** What is no options, or no signal, is for the work to refuse. */
function withSignal<Options extends AbortOptions>(options: Options, closing: AbortSignal): Options {
  if (typeof options !== 'object' || options === null) return options
  const { signal } = options
  if (signal === undefined) return { ...options, signal: closing }
  return signal instanceof AbortSignal ? { ...options, signal: AbortSignal.any([signal, closing]) } : options
}
