import type { CreateContainerOptions, Runtime } from 'libpod-ts'
import type { BenchOptions } from './arguments.ts'
import type { Podman } from './podman.ts'
import type { Result } from './result.ts'
import type { ViewName } from './views.ts'
import type { Workspace } from './workspace.ts'

/** What the rows work with. */
export interface Bench {
  readonly options: BenchOptions
  readonly workspace: Workspace
  /** How the machine is seen. */
  readonly view: ViewName
  /** The OCI runtime that everybody uses here. */
  readonly oci: { readonly name: string; readonly path: string; readonly version: string }
  readonly conmon: string
  /** What the floor is started with to be where the engine's containers are: nothing, or the way into its user namespace. */
  readonly inside: readonly string[]
  /** An engine that uses it. */
  readonly runtime: Runtime
  /** The run root of that engine. */
  readonly runRoot: string
  /** What its containers are made of, and that they have no network. */
  readonly base: Pick<CreateContainerOptions, 'image' | 'rootfs' | 'network'>
  /** A folder on tmpfs for what is not the engine's. */
  readonly fast: string
  readonly podman: Podman | undefined
  readonly signal: AbortSignal
  /** Tells those who watch what is being done. */
  say(text: string): void
}

/** One row of the budget. */
export interface Row {
  readonly name: string
  /** In which views of the machine, or once because it makes no difference. */
  readonly when: readonly ViewName[] | 'once'
  run(bench: Bench): Promise<Result[]>
}
