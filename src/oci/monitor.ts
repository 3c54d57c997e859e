import type { AbortOptions } from '../base/abort.ts'
import type { RuntimeCommand } from './oci-runtime.ts'

/**
 * The contract of what stays with a container: starts the OCI runtime for it, keeps its stdio, writes its log, and
 * tells how it ended, also when no engine is open (conmon) or never longer than its host lives (direct).
 *
 * **The model.** `create` makes the container's mounts in a mount namespace of its own, places itself in a cgroup of its own, runs
 * `<runtime> create`, and resolves when the container is created but its program not yet started. From then on the monitor
 * is a process, known by its pid and start time. When the container's program has ended, the monitor writes
 * `<exitsDir>/<id>` (decimal exit code, by rename), runs `exitCommand`, and ends.
 *
 * **The rules.** 1. A monitor outlives its engine unless `bound` says otherwise. 2. Whatever it was told is in its arguments and
 * files: any engine can go on with a monitor that another started. 3. `create` that fails or is aborted leaves no process and no mount.
 * 4. `exitOf` and `recover` never wait.
 *
 * **An example.** `const { pid, monitor } = await monitor.create(plan)`, later and elsewhere
 * `monitor.attach(place, { stdin: true })`.
 *
 * @public
 */
export interface Monitor {
  /** `conmon`, `direct`. Pinned in the record. */
  readonly name: string
  create(plan: MonitorPlan, options?: AbortOptions): Promise<MonitorResult>
  /** Connects to the container's stdio. Output from before is not replayed. */
  attach(place: MonitorPlace, options: { readonly stdin: boolean }): Promise<MonitorAttachment>
  /** Resizes the terminal, or opens the log file anew after somebody moved it. */
  control(
    place: MonitorPlace,
    request: { readonly resize: { readonly rows: number; readonly columns: number } } | { readonly reopenLog: true },
  ): Promise<void>
  /** How the container ended, if its exit is written: code and time, and whether the kernel's OOM killer hit it. */
  exitOf(place: MonitorPlace): Promise<MonitorExit | undefined>
  /** Finds the monitor and container of a plan whose result was lost because the engine died in `create`. */
  recover(place: MonitorPlace): Promise<RecoveredMonitor | undefined>
  /** Kills a monitor, so that nothing it has begun goes on. Comes before the runtime's `delete`, which takes the container itself away. */
  end(monitor: Pick<MonitorResult, 'monitorPid' | 'monitorStartTime'>): Promise<void>
}

/** Where the files of one container lie. @public */
export interface MonitorPlace {
  readonly id: string
  /** The bundle on tmpfs: `config.json`, pid files, sockets. */
  readonly bundle: string
  readonly exitsDir: string
}

/** All that a monitor is told. @public */
export interface MonitorPlan extends MonitorPlace {
  readonly name: string
  readonly runtime: RuntimeCommand
  /** Mounts made in the container's own mount namespace, in order, before the runtime runs. */
  readonly mounts: readonly PlannedMount[]
  /** The cgroup of the monitor itself, as detected on this host; see linux/cgroups. */
  readonly monitorCgroup?: string
  /** The log drivers' arguments, as `['-l', 'k8s-file:/path']`. */
  readonly logArgs: readonly string[]
  readonly terminal: boolean
  readonly stdin: boolean
  /** What runs after the exit file is written: path and arguments; nothing if not given. */
  readonly exitCommand?: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly systemdCgroup: boolean
  /** The container's program is killed when its engine dies; what is left then, the clean-up takes away. */
  readonly bound?: boolean
}

/** A mount to make, with where it goes. @public */
export interface PlannedMount {
  /** A file system by its name, `bind`, or `copy` for what another process sees at `source`. */
  readonly type: string
  readonly source: string
  /** A descriptor of this process that is the source: for what the one who mounts could not reach by a path. */
  readonly descriptor?: number
  readonly target: string
  readonly options: readonly string[]
  /** Relative paths in the options begin here. */
  readonly workdir?: string
  /** Make the target first, with this mode (octal number). */
  readonly mkdir?: number
  /** With the type `copy`: the process that sees the source, in its own mount namespace. */
  readonly of?: { readonly pid: number; readonly startTime: string }
}

/** What is known after `create`. @public */
export interface MonitorResult {
  /** The container's first process. */
  readonly pid: number
  readonly pidStartTime: string
  readonly monitorPid: number
  readonly monitorStartTime: string
}

/** A monitor that was found again. Its container is not there yet when it was cut off early. @public */
export interface RecoveredMonitor
  extends Pick<MonitorResult, 'monitorPid' | 'monitorStartTime'>,
    Partial<Pick<MonitorResult, 'pid' | 'pidStartTime'>> {}

/** How a container ended. @public */
export interface MonitorExit {
  readonly exitCode: number
  readonly finishedAt: Date
  readonly oomKilled: boolean
}

/** A connection to a container's stdio. @public */
export interface MonitorAttachment extends AsyncDisposable {
  /** What the container writes, packet by packet; ends with the container. Must always be drained. */
  readonly output: AsyncIterable<{ readonly stream: 'stdout' | 'stderr'; readonly data: Buffer }>
  /** Sends to the container's stdin; resolves when the kernel took it. */
  write(data: Uint8Array): Promise<void>
  /** Ends the container's stdin. */
  end(): Promise<void>
  close(): Promise<void>
}
