import type { AbortOptions } from '../base/abort.ts'

/**
 * The contract of the program that makes containers: crun, runc.
 *
 * **The model.** A container is an id and a bundle (a folder with `config.json`). A *monitor* starts the program for
 * `create` and stays with the container; everything else is called through this contract, from any process.
 *
 * **The rules.** 1. No state is kept here and none is guessed: the engine's record and exit files say what a container
 * is; `state` is for recovery. 2. `kill` and `delete` of a container the program does not know are no errors:
 * `{ found: false }`. 3. A failure rejects with `command-failed`, with the program's own message (from its log, not from a
 * terminal), and `exitCode` 126 or 127 where the program in the container could not be run. 4. Processes are read from the cgroup, never from the program.
 *
 * **An example.** `await runtime.start(id); await runtime.kill(id, 15); await runtime.delete(id, { force: true })`.
 *
 * @public
 */
export interface OCIRuntime {
  /** `crun`, `runc`, or the name it was configured under. Pinned in the record of each container. */
  readonly name: string
  /** The program's path. */
  readonly path: string
  /** What this program can do on this host. */
  readonly features: OCIRuntimeFeatures
  /** How a monitor calls the program: its path (possibly a sealed copy in memory) and the arguments before the verb. */
  command(): RuntimeCommand
  /** What the program knows of the container, or `undefined`. */
  state(id: string, options?: AbortOptions): Promise<OCIRuntimeState | undefined>
  start(id: string, options?: AbortOptions): Promise<void>
  /** Starts a program in a running container and gives the running `exec` back; its stdio are the given file descriptors. */
  exec(id: string, options: OCIExecOptions): Promise<OCIExec>
  kill(id: string, signal: number, options?: AbortOptions & { readonly all?: boolean }): Promise<{ readonly found: boolean }>
  pause(id: string, options?: AbortOptions): Promise<void>
  resume(id: string, options?: AbortOptions): Promise<void>
  delete(id: string, options?: AbortOptions & { readonly force?: boolean }): Promise<{ readonly found: boolean }>
}

/** A runtime as others call it. @public */
export interface RuntimeCommand {
  readonly name: string
  readonly path: string
  /** What comes before the verb. */
  readonly args: readonly string[]
}

/** What a runtime can do. @public */
export interface OCIRuntimeFeatures {
  readonly version: string
  /** Takes a precompiled seccomp filter from the annotation `run.oci.seccomp_bpf_data`. */
  readonly seccompBpf: boolean
  /** Hands a terminal over a console socket in an attached exec (crun); otherwise it is given its own. */
  readonly execConsoleSocket: boolean
  /** Calls systemd for cgroups when told so. */
  readonly systemdCgroup: boolean
}

/** A container as the runtime sees it. @public */
export interface OCIRuntimeState {
  readonly status: 'creating' | 'created' | 'running' | 'stopped' | 'paused'
  readonly pid: number
  readonly bundle: string
}

/** Options of {@link OCIRuntime.exec}. @public */
export interface OCIExecOptions extends AbortOptions {
  /** Path of a file with the OCI `process` object. */
  readonly processFile: string
  /** Where the runtime writes the pid of the program, as seen from here. */
  readonly pidFile: string
  /** File descriptors of this process for the program's stdin, stdout and stderr. */
  readonly stdio: readonly [number, number, number]
  /** The program gets a terminal; see `exec-terminal.ts`. */
  readonly tty?: OCIExecTerminal
  /** The environment of the runtime itself. */
  readonly env?: Readonly<Record<string, string>>
}

/** How the terminal of an exec reaches us: one of both. @public */
export interface OCIExecTerminal {
  /** With the feature `execConsoleSocket`: the path of a socket that is sent the terminal's master. */
  readonly consoleSocket?: string
  /** Without it: the path of a terminal that becomes the runtime's own, instead of `stdio`; the runtime copies between it and the program's. */
  readonly slavePath?: string
}

/** A running exec. @public */
export interface OCIExec {
  /** The runtime's own pid (not the program's). */
  readonly pid: number
  /** The program's pid as seen from here, once the runtime has written it; `undefined` if it ended before. */
  programPid(): Promise<number | undefined>
  /** How the runtime ended: the program's exit code (128 + n for a signal). Rejects with `command-failed` 126 or 127 when the program could not be run. */
  readonly exited: Promise<number>
  /** Kills the program inside, and the runtime. */
  kill(signal: number): Promise<void>
}
