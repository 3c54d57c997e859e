import { Container } from './container.ts'
import { createContainer } from './create/create.ts'
import { type EphemeralContainer, ephemeralContainer } from './ephemeral.ts'
import { iterateContainers, type ListContainersOptions, listContainers } from './list.ts'
import type { CreateContainerOptions } from './options.ts'
import { type PruneContainersOptions, type PruneContainersResult, pruneContainers } from './prune.ts'
import type { ContainerSummary } from './record.ts'
import { type RunOptions, type RunResult, runContainer } from './run.ts'
import type { ContainersServices } from './services.ts'

/**
 * The containers of a runtime.
 *
 * @public
 */
export class Containers {
  readonly #services: ContainersServices

  /** @internal */
  constructor(services: ContainersServices) {
    this.#services = services
  }

  /**
   * Creates a container. It is not started. An image that is not there is pulled, unless `pull` says otherwise.
   *
   * Rejects with `invalid-argument` (and the option's path), `not-found` (the image), `already-exists` (the name), `registry` and what
   * else {@link Images.pull} rejects with, `unavailable` (a program or profile that is missing on this host), `no-space`.
   *
   * @example
   * ```ts
   * const container = await runtime.containers.create({
   *   image: 'localhost/busybox',
   *   command: ['sh', '-c', 'echo hello; sleep 60'],
   *   memoryBytes: 64 * 1024 * 1024,
   *   network: 'none',
   * })
   * await container.start()
   * ```
   */
  async create(options: CreateContainerOptions): Promise<Container> {
    return new Container(this.#services, (await createContainer(this.#services, options)).id)
  }

  /**
   * Runs a program in a container of its own to completion: `podman run --rm` as a promise. The container is always removed;
   * when the runtime is closed meanwhile, it is killed, and this rejects with `closed`.
   *
   * @example
   * ```ts
   * const { exitCode, stdout } = await runtime.containers.run({ image: 'localhost/busybox', command: ['uname', '-a'] })
   * console.log(exitCode, stdout)
   * ```
   */
  run(options: RunOptions<'buffer'> & { readonly encoding: 'buffer' }): Promise<RunResult<Buffer>>
  run(options: RunOptions): Promise<RunResult>
  run(options: RunOptions<'utf8' | 'buffer'>): Promise<RunResult<string | Buffer>>
  run(options: RunOptions<'utf8' | 'buffer'>): Promise<RunResult<string | Buffer>> {
    return runContainer(this.#services, options)
  }

  /**
   * Creates and starts a container that goes with this process, however that ends.
   *
   * @example
   * ```ts
   * await using server = await runtime.containers.ephemeral({ image: 'localhost/busybox', command: ['httpd', '-f'] })
   * await server.exec(['true'])
   * ```
   */
  ephemeral(options: CreateContainerOptions): Promise<EphemeralContainer> {
    return ephemeralContainer(this.#services, options)
  }

  /** The container of an id, the beginning of one, or a name. Rejects with `not-found` or `ambiguous`. */
  async get(idOrName: string): Promise<Container> {
    return new Container(this.#services, await this.#services.registry.resolve('container', idOrName))
  }

  /** As `get`, but `undefined` where there is none. */
  async find(idOrName: string): Promise<Container | undefined> {
    const object = await this.#services.registry.find('container', idOrName)
    return object && new Container(this.#services, object.id)
  }

  /** A handle for a full id, without looking whether the container exists. */
  ref(id: string): Container {
    return new Container(this.#services, id)
  }

  /** Whether there is a container of this id or name. */
  async exists(idOrName: string): Promise<boolean> {
    return (await this.#services.registry.find('container', idOrName)) !== undefined
  }

  /** The containers that match, as plain data, in the order of their ids. */
  list(options?: ListContainersOptions): Promise<ContainerSummary[]> {
    return listContainers(this.#services, options)
  }

  /** As `list`, one by one. */
  iterate(options?: ListContainersOptions): AsyncIterable<ContainerSummary> {
    return iterateContainers(this.#services, options)
  }

  /** Removes the containers that do not run and match. */
  prune(options?: PruneContainersOptions): Promise<PruneContainersResult> {
    return pruneContainers(this.#services, options)
  }
}
