import type { Readable } from 'node:stream'
import type { AbortOptions } from '../base/abort.ts'
import { checkAbortOptions, checkIsObject } from '../base/known-keys.ts'
import type { LogEntry } from '../logs/entry.ts'
import { type AttachOptions, type AttachSession, attachContainer } from './attach.ts'
import { execContainer } from './exec/exec.ts'
import type { ExecOptions, ExecResult, SpawnOptions } from './exec/options.ts'
import { type ExecSession, spawnInContainer } from './exec/spawn.ts'
import { type ContainerInspect, inspectContainer } from './inspect.ts'
import { killContainer } from './lifecycle/kill.ts'
import { pauseContainer, unpauseContainer } from './lifecycle/pause.ts'
import { type RemoveContainerOptions, removeContainer } from './lifecycle/remove.ts'
import { restartContainer } from './lifecycle/restart.ts'
import { initContainer, type StartContainerOptions, startContainer } from './lifecycle/start.ts'
import { type StopContainerOptions, stopContainer } from './lifecycle/stop.ts'
import { type WaitContainerOptions, type WaitResult, waitContainer } from './lifecycle/wait.ts'
import { type ContainerLogsOptions, containerLogs, rawLogs } from './logs.ts'
import { hostPort } from './networking/host-port.ts'
import type { ContainersServices } from './services.ts'
import { type ContainerStats, type ContainerStatsOptions, containerStats, containerStatsOnce } from './stats.ts'
import { type ContainerTopOptions, type ContainerTopResult, containerTop } from './top.ts'
import { type WaitUntilCondition, type WaitUntilOptions, waitUntil } from './wait-until.ts'

/**
 * A container: its id, and what can be done with it. A handle keeps no state: every verb asks the store, so any number
 * of handles, in any number of processes, may stand for one container.
 *
 * Verbs reject with `not-found` when the container is gone and with `invalid-state` when its state does not allow them.
 *
 * @example
 * ```ts
 * const container = await runtime.containers.create({ image: 'localhost/busybox', command: ['sleep', '60'] })
 * await container.start()
 * const { stdout } = await container.exec(['hostname'])
 * console.log(stdout)
 * await container.stop()
 * await container.remove()
 * ```
 *
 * @public
 */
export class Container {
  /** 64 hex digits. */
  readonly id: string
  readonly #services: ContainersServices

  /** @internal */
  constructor(services: ContainersServices, id: string) {
    this.#services = services
    this.id = id
  }

  /** Starts it. Resolves when its program runs; `changed` is `false` if it ran already. Rejects with `command-failed` (`exitCode` 127 or 126) when the program does not exist or cannot be executed. */
  async start(options?: StartContainerOptions): Promise<{ changed: boolean }> {
    checkAbortOptions(options, 'start')
    return startContainer(this.#services, this.id, options)
  }

  /** Makes it in its OCI runtime without starting its program, so that `attach` misses nothing. */
  async init(options?: AbortOptions): Promise<{ changed: boolean }> {
    checkAbortOptions(options, 'init')
    return initContainer(this.#services, this.id, options)
  }

  /** Asks it to end with its stop signal, and kills it after `timeoutMs`. It is not restarted. */
  stop(options?: StopContainerOptions): Promise<{ changed: boolean }> {
    return stopContainer(this.#services, this.id, options)
  }

  /** Stops it if it runs, and starts it. */
  restart(options?: StopContainerOptions): Promise<void> {
    return restartContainer(this.#services, this.id, options)
  }

  /** Sends a signal, by name or number, to its first process; SIGKILL if not given. */
  async kill(signal: string | number = 'SIGKILL', options?: AbortOptions): Promise<void> {
    checkAbortOptions(options, 'kill')
    return killContainer(this.#services, this.id, signal, options)
  }

  /** Freezes all its processes. */
  async pause(options?: AbortOptions): Promise<{ changed: boolean }> {
    checkAbortOptions(options, 'pause')
    return pauseContainer(this.#services, this.id, options)
  }

  /** Lets it go on. */
  async unpause(options?: AbortOptions): Promise<{ changed: boolean }> {
    checkAbortOptions(options, 'unpause')
    return unpauseContainer(this.#services, this.id, options)
  }

  /** Waits for its end, or for another condition. */
  wait(options?: WaitContainerOptions): Promise<WaitResult> {
    return waitContainer(this.#services, this.id, options)
  }

  /** Removes it with its root file system and log. Rejects with `invalid-state` if it runs, unless `force`. */
  remove(options?: RemoveContainerOptions): Promise<{ changed: boolean }> {
    return removeContainer(this.#services, this.id, options)
  }

  /** Connects to its own stdio. */
  attach(options?: AttachOptions): Promise<AttachSession> {
    return attachContainer(this.#services, this.id, options)
  }

  /**
   * Runs a program in it and collects the output. A non-zero exit is a result, not an error; a program that cannot be run rejects
   * with `command-failed` (`exitCode` 126 or 127). An abort or a timeout kills the program inside.
   */
  exec(command: readonly string[], options: ExecOptions<'buffer'> & { readonly encoding: 'buffer' }): Promise<ExecResult<Buffer>>
  exec(command: readonly string[], options?: ExecOptions): Promise<ExecResult>
  exec(command: readonly string[], options?: ExecOptions<'utf8' | 'buffer'>): Promise<ExecResult<string | Buffer>>
  exec(command: readonly string[], options?: ExecOptions<'utf8' | 'buffer'>): Promise<ExecResult<string | Buffer>> {
    return execContainer(this.#services, this.id, command, options)
  }

  /** Runs a program in it with streams. The session is the caller's: disposing of it kills the program. */
  spawn(command: readonly string[], options?: SpawnOptions): Promise<ExecSession> {
    return spawnInContainer(this.#services, this.id, command, options)
  }

  /** What it wrote, line by line; with `raw` the exact bytes as a stream. */
  logs(options: ContainerLogsOptions & { readonly raw: true }): Readable
  logs(options?: ContainerLogsOptions & { readonly raw?: false | undefined }): AsyncIterable<LogEntry>
  logs(options: ContainerLogsOptions & { readonly raw?: boolean | undefined } = {}): Readable | AsyncIterable<LogEntry> {
    checkIsObject(options)
    const { raw, ...rest } = options
    return raw ? rawLogs(this.#services, this.id, rest) : containerLogs(this.#services, this.id, rest)
  }

  /** Samples of what it uses, until it ends. `stats({ once: true })` is one sample. */
  stats(options: ContainerStatsOptions & { readonly once: true }): Promise<ContainerStats>
  stats(options?: ContainerStatsOptions & { readonly once?: false | undefined }): AsyncIterable<ContainerStats>
  stats(
    options: ContainerStatsOptions & { readonly once?: boolean | undefined } = {},
  ): Promise<ContainerStats> | AsyncIterable<ContainerStats> {
    checkIsObject(options)
    const { once, ...rest } = options
    return once ? containerStatsOnce(this.#services, this.id, rest) : containerStats(this.#services, this.id, rest)
  }

  /** Its processes. */
  top(options?: ContainerTopOptions): Promise<ContainerTopResult> {
    return containerTop(this.#services, this.id, options)
  }

  /** All that is known of it. */
  inspect(): Promise<ContainerInspect> {
    return inspectContainer(this.#services, this.id)
  }

  /**
   * The port of this host that leads to a published port. Rejects with `not-found` when the port is not published, or the container
   * does not run.
   *
   * @example
   * ```ts
   * const port = await container.hostPort(80)
   * console.log(await (await fetch(`http://127.0.0.1:${port}/`)).text())
   * ```
   */
  hostPort(port: number, protocol: 'tcp' | 'udp' = 'tcp'): Promise<number> {
    return hostPort(this.#services, this.id, port, protocol)
  }

  /**
   * Waits until it is ready by the caller's own measure. Rejects with `unavailable` when that cannot happen any more, or not in time, and
   * with `invalid-argument` for `http` where this host does not reach the port: without root it has to be published.
   *
   * @example
   * ```ts
   * await container.waitUntil({ log: /ready to accept connections/ }, { timeoutMs: 10_000 })
   * ```
   */
  waitUntil(condition: WaitUntilCondition, options?: WaitUntilOptions): Promise<void> {
    return waitUntil(this.#services, this.id, condition, options)
  }
}
