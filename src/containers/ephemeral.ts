import { LibpodError } from '../base/errors.ts'
import { checkIsObject } from '../base/known-keys.ts'
import { Container } from './container.ts'
import { beginContainer } from './create/create.ts'
import { removeContainer } from './lifecycle/remove.ts'
import { startContainer } from './lifecycle/start.ts'
import type { CreateContainerOptions } from './options.ts'
import type { ContainersServices } from './services.ts'
import { endedByClosing, whileClosing } from './while-closing.ts'

/**
 * A container that goes with its maker: with the end of the `await using` block, with the runtime, and with the process, however that ends.
 *
 * @public
 */
export class EphemeralContainer extends Container implements AsyncDisposable {
  readonly #dispose: () => Promise<void>

  /** @internal */
  constructor(services: ContainersServices, id: string) {
    super(services, id)
    // It is removed while its runtime closes, when verbs are refused already.
    const unguarded = whileClosing(services)
    const dispose = async (): Promise<void> => {
      unregister()
      await removeContainer(unguarded, id, { force: true, ifExists: true })
    }
    const unregister = services.ephemerals.add(dispose)
    this.#dispose = dispose
  }

  /** Removes it, whatever it does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#dispose()
  }
}

/** Creates and starts a container that goes with this process. */
export async function ephemeralContainer(services: ContainersServices, options: CreateContainerOptions): Promise<EphemeralContainer> {
  checkIsObject(options)
  if (options.restart !== undefined && options.restart.policy !== 'no') {
    throw new LibpodError(
      'invalid-argument',
      'restart: an ephemeral container is not restarted.',
      { path: 'restart' },
      { hint: 'Use create() and start().' },
    )
  }
  const make = async (inner: ContainersServices, given: CreateContainerOptions): Promise<EphemeralContainer> => {
    inner.beginGracePeriod()
    const { record, told } = await beginContainer(inner, given, { owner: inner.owner })
    try {
      await startContainer(inner, record.id, { signal: given.signal })
      await told
      return new EphemeralContainer(services, record.id)
    } catch (error) {
      await removeContainer(inner, record.id, { force: true, ifExists: true })
      throw error
    }
  }
  return endedByClosing(services, options, make, (container) => container[Symbol.asyncDispose]())
}
