import { closeSync } from 'node:fs'
import { sleep } from '../../../base/time.ts'
import { signalPidfd } from '../../../linux/pidfd.ts'
import type { SpawnedProcess, SpawnOptions } from '../../../linux/process/spawn.ts'
import { PidFile } from '../../pid-file.ts'
import { loggedError, programExitCode, runtimeFailed } from '../../runtimes/failure.ts'
import { invoke, logArgs, startProgram } from '../../runtimes/invoke.ts'
import { openMemoryFile, readMemoryFile } from '../../runtimes/memory-file.ts'
import type { BoundContainers } from '../bound-containers.ts'
import { bundleFiles, clearRun } from '../bundle-files.ts'
import { inPlannedMounts, withDescriptors } from '../planned-mounts.ts'
import type { DirectPlan } from './direct-run.ts'

/** What the operation `oci.run` is given. */
export interface RunParams {
  readonly plan: DirectPlan
  /** Whether a descriptor for stdin follows those for stdout and stderr, before those of the mounts. */
  readonly hasStdin: boolean
}

/** What it is run with. */
export interface RunContext {
  /** Taken over, and closed in every case. */
  readonly descriptors: readonly number[]
  readonly bound: BoundContainers
  readonly aborted: Promise<never>
  readonly onStart: () => void
}

/** How the operation ends. */
export interface RunResult {
  readonly exitCode: number
  readonly finishedAt: string
}

/** How long a killed container may take to go before its runtime is killed too. */
const patienceMs = 5_000

/** Runs a container to its end as a child of this process, the helper. `aborted` rejects when the caller wants no more. */
export async function runDirectly({ plan, hasStdin }: RunParams, { descriptors, bound, aborted, onStart }: RunContext): Promise<RunResult> {
  clearRun(plan)
  const log = openMemoryFile('oci-run-log')
  let child: SpawnedProcess
  try {
    const [stdout = -1, stderr = -1, ...others] = descriptors
    const stdin = hasStdin ? others.shift() : undefined
    const mounts = withDescriptors(plan.mounts, others)
    child = startRun({ ...plan, mounts }, [stdin ?? 'ignore', stdout, stderr, log])
  } catch (error) {
    closeSync(log)
    throw error
  } finally {
    for (const fd of descriptors) closeSync(fd)
  }
  const pidFile = new PidFile(bundleFiles(plan).pid, child)
  const kill = (): Promise<void> => killRun(plan, child, pidFile)
  const unregister = bound.add(kill)
  try {
    onStart()
    const { code, signal } = await Promise.race([child.exited, aborted])
    const finishedAt = new Date().toISOString()
    const text = readMemoryFile(log)
    const error = loggedError(text)
    // An error after the program has run is one of cleaning up.
    const started = (await pidFile.pid()) !== undefined
    if (code === null || (error !== undefined && (!started || programExitCode(error) !== undefined))) {
      const argv = [plan.runtime.path, ...plan.runtime.args, 'run', plan.id]
      await removeTraces(plan)
      throw runtimeFailed({ name: plan.runtime.name, verb: 'run', argv, runs: true }, { code, signal, log: text })
    }
    if (error !== undefined) await removeTraces(plan)
    return { exitCode: code, finishedAt }
  } catch (error) {
    await kill()
    throw error
  } finally {
    unregister()
    closeSync(log)
  }
}

function startRun(plan: DirectPlan, stdio: SpawnOptions['stdio']): SpawnedProcess {
  const verb = [...logArgs, 'run', '--bundle', plan.bundle, '--pid-file', bundleFiles(plan).pid, plan.id]
  const args = plan.systemdCgroup ? ['--systemd-cgroup', ...verb] : verb
  return inPlannedMounts(plan.mounts, () => startProgram({ ...plan.runtime, env: plan.env }, args, stdio))
}

/** Kills the container's program, and with it all its processes; the runtime sees that and cleans up. Nothing happens when it has ended already. */
async function killRun(plan: DirectPlan, child: SpawnedProcess, pidFile: PidFile): Promise<void> {
  const ended = child.exited.then(() => true)
  const program = await pidFile.open(patienceMs)
  if (program !== undefined) {
    signalPidfd(program, 9)
    closeSync(program)
  }
  const done = new AbortController()
  const gone = await Promise.race([ended, sleep(patienceMs, { signal: done.signal }).then(() => false)])
  done.abort()
  if (gone) return
  child.kill(9)
  await ended
  await removeTraces(plan)
}

async function removeTraces({ runtime, env, id }: DirectPlan): Promise<void> {
  await invoke({ ...runtime, env }, ['delete', '--force', id], { signal: AbortSignal.timeout(10_000) }).catch(() => {})
}
