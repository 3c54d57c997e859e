import type { AbortOptions } from '../../../base/abort.ts'
import type { PlannedMount } from '../../monitor.ts'
import type { RuntimeCommand } from '../../oci-runtime.ts'

/**
 * Runs a container from beginning to end as a child of the engine: no monitor, no exit file, no log. It never outlives its engine.
 * The bundle is there; the runtime has removed its own traces when the promise settles, in whatever way.
 *
 * @public
 */
export interface DirectRunner {
  /**
   * Runs a container. The file descriptors are the container's ends of its stdio; they are taken over, and closed here in every case.
   * Rejects with `command-failed` (126, 127) when its program could not be run; with `signal.reason` after an abort, when everything is gone.
   */
  run(plan: DirectPlan, stdio: DirectStdio, options?: DirectRunOptions): Promise<DirectExit>
  /** Kills the runtime of a run whose engine or helper died. The container itself goes with the runtime's `delete`. */
  end(place: Pick<DirectPlan, 'bundle'>): Promise<void>
}

/** What is run. @public */
export interface DirectPlan {
  readonly id: string
  /** The bundle on tmpfs with `config.json`. */
  readonly bundle: string
  readonly runtime: RuntimeCommand
  /** Mounts made in the container's own mount namespace, in order, before the runtime runs. */
  readonly mounts: readonly PlannedMount[]
  /** The environment of the runtime itself. */
  readonly env: Readonly<Record<string, string>>
  readonly systemdCgroup: boolean
}

/** File descriptors of this process for the container's stdin (none: empty), stdout and stderr. @public */
export interface DirectStdio {
  readonly stdin?: number
  readonly stdout: number
  readonly stderr: number
}

/** Options of {@link DirectRunner.run}. @public */
export interface DirectRunOptions extends AbortOptions {
  /** Called when the runtime has been started: from then on output can come. */
  readonly onStart?: () => void
}

/** How it ended. @public */
export interface DirectExit {
  /** The program's exit code, 128 + n for a signal. */
  readonly exitCode: number
  readonly finishedAt: Date
}
