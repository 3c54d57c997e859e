import { Closer } from '../base/closer.ts'
import { LibpodError } from '../base/errors.ts'
import { Container } from './container.ts'
import { beginContainer } from './create/create.ts'
import { removeContainer } from './lifecycle/remove.ts'
import { startContainer } from './lifecycle/start.ts'
import type { CreateContainerOptions } from './options.ts'
import type { ContainersServices } from './services.ts'

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
    const unguarded: ContainersServices = { ...services, closer: new Closer('runtime') }
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
  if (options.restart !== undefined && options.restart.policy !== 'no') {
    throw new LibpodError(
      'invalid-argument',
      'restart: an ephemeral container is not restarted.',
      { path: 'restart' },
      { hint: 'Use create() and start().' },
    )
  }
  services.beginGracePeriod()
  const {
    record: { id },
    told,
  } = await beginContainer(services, options, { owner: services.owner })
  try {
    await startContainer(services, id, { signal: options.signal })
    await told
    return new EphemeralContainer(services, id)
  } catch (error) {
    await removeContainer(services, id, { force: true, ifExists: true })
    throw error
  }
}
