import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { AbortOptions } from '../../base/abort.ts'
import type { OCIExec, OCIExecOptions, OCIRuntime, OCIRuntimeFeatures, OCIRuntimeState, RuntimeCommand } from '../oci-runtime.ts'
import { startExec } from './exec.ts'
import { type RuntimeOutcome, runtimeFailed } from './failure.ts'
import { invoke, type RuntimeProgram, startProgramInPool } from './invoke.ts'

/** Where and how a runtime program is called. */
export interface CliRuntimeOptions {
  readonly name: string
  /** The program. */
  readonly path: string
  /** Where it keeps its own state, on tmpfs: an engine shares it with nobody. */
  readonly root: string
  readonly features: OCIRuntimeFeatures
  /** Its environment. */
  readonly env: Readonly<Record<string, string>>
  /** What starts it where its containers are. Monitors and helpers are there already: what `command` tells is without it. */
  readonly prefix?: readonly string[] | undefined
  /** Gives a path that runs faster than the program's own, when there is one. */
  readonly fasterPath?: () => string | undefined
}

/** What every program with runc's command line has in common. Where they differ is in their own files. */
export class CliRuntime implements OCIRuntime {
  readonly name: string
  readonly path: string
  readonly features: OCIRuntimeFeatures
  readonly #options: CliRuntimeOptions

  constructor(options: CliRuntimeOptions) {
    this.name = options.name
    this.path = options.path
    this.features = options.features
    this.#options = options
  }

  command(): RuntimeCommand {
    return { name: this.name, path: this.#options.fasterPath?.() ?? this.path, args: ['--root', this.#options.root] }
  }

  async state(id: string, options: AbortOptions = {}): Promise<OCIRuntimeState | undefined> {
    const outcome = await this.#invoke(['state', id], options)
    if (outcome.code === 0) return parseState(outcome.stdout)
    if (this.#isUnknown(id, outcome)) return undefined
    throw this.#failed('state', id, outcome)
  }

  async start(id: string, options: AbortOptions = {}): Promise<void> {
    await this.#run('start', [id], options)
  }

  async exec(id: string, options: OCIExecOptions): Promise<OCIExec> {
    return startExec(this.#program(), id, options)
  }

  async kill(
    id: string,
    signal: number,
    { all = false, ...options }: AbortOptions & { readonly all?: boolean } = {},
  ): Promise<{ found: boolean }> {
    const outcome = await this.#invoke(['kill', ...(all ? ['--all'] : []), id, String(signal)], options)
    if (outcome.code === 0) return { found: true }
    if (this.#isUnknown(id, outcome) || /not running|no such process|process already finished|process not found/i.test(outcome.log))
      return { found: false }
    throw this.#failed('kill', id, outcome)
  }

  async pause(id: string, options: AbortOptions = {}): Promise<void> {
    await this.#run('pause', [id], options)
  }

  async resume(id: string, options: AbortOptions = {}): Promise<void> {
    await this.#run('resume', [id], options)
  }

  async delete(id: string, { force = false, ...options }: AbortOptions & { readonly force?: boolean } = {}): Promise<{ found: boolean }> {
    const outcome = await this.#invoke(['delete', ...(force ? ['--force'] : []), id], options)
    // With --force an unknown container is a success that says nothing.
    if (outcome.code === 0) return { found: true }
    if (this.#isUnknown(id, outcome)) return { found: false }
    throw this.#failed('delete', id, outcome)
  }

  async #run(verb: string, args: readonly string[], options: AbortOptions): Promise<void> {
    const outcome = await this.#invoke([verb, ...args], options)
    if (outcome.code !== 0) throw this.#failed(verb, args[0] ?? '', outcome)
  }

  #invoke(verb: readonly string[], { signal }: AbortOptions): ReturnType<typeof invoke> {
    return invoke(this.#program(), verb, { signal, start: startProgramInPool })
  }

  #program(): RuntimeProgram {
    const { env, prefix } = this.#options
    return { ...this.command(), env, ...(prefix === undefined ? {} : { prefix }) }
  }

  /** runc: "container does not exist"; crun: a file of its state that is not there, which it may be deleting just now. */
  #isUnknown(id: string, { log }: RuntimeOutcome): boolean {
    const { root } = this.#options
    if (/container[^:]* does not exist/i.test(log)) return true
    if (log.includes('error loading config.json')) return !existsSync(join(root, id, 'config.json'))
    return log.includes(`${root}/`) && /no such file or directory/i.test(log)
  }

  #failed(verb: string, id: string, outcome: RuntimeOutcome): Error {
    const argv = [this.path, ...this.command().args, verb, id]
    return runtimeFailed({ name: this.name, verb, argv, runs: verb === 'start' && !this.#isUnknown(id, outcome) }, outcome)
  }
}

function parseState(json: string): OCIRuntimeState {
  const { status, pid, bundle } = JSON.parse(json) as { status: OCIRuntimeState['status']; pid?: number; bundle: string }
  return { status, pid: pid ?? 0, bundle }
}
