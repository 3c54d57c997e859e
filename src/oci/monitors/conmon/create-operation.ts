import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { sleep } from '../../../base/time.ts'
import { makePipe } from '../../../linux/pipe.ts'
import { processStartTimeSync } from '../../../linux/proc.ts'
import { isFaultOfProgram } from '../../../linux/process/find-program.ts'
import { type SpawnedProcess, spawnProcess } from '../../../linux/process/spawn.ts'
import { endProcessesOf } from '../../../linux/processes-of.ts'
import type { MonitorPlan, MonitorResult } from '../../monitor.ts'
import { runtimeFailed } from '../../runtimes/failure.ts'
import { invoke } from '../../runtimes/invoke.ts'
import { bundleFiles, clearBundle } from '../bundle-files.ts'
import type { MonitorCgroups } from '../monitor-cgroups.ts'
import { inPlannedMounts, withDescriptors } from '../planned-mounts.ts'
import { conmonArguments, conmonEnvironment } from './arguments.ts'
import { conmonEnded, conmonMissing, createTimedOut } from './failures.ts'
import { previousRunUnmounted } from './previous-run.ts'
import { readReport } from './sync-pipe.ts'

/** What the operation `oci.create` is given. */
export interface CreateParams {
  readonly plan: MonitorPlan
  /** conmon's path. */
  readonly conmon: string
  /** How long the runtime may take. */
  readonly timeoutMs: number
}

/** What it is created with. */
export interface CreateContext {
  /** Those of the plan's mounts; taken over, and closed in every case. */
  readonly descriptors: readonly number[]
  readonly cgroups: MonitorCgroups
  readonly aborted: Promise<never>
}

interface StartedConmon {
  readonly process: SpawnedProcess
  readonly sync: number
  readonly start: number
}

/**
 * Creates a container with conmon: mount namespace, mounts, conmon, runtime. For the helper process. `aborted` rejects
 * when the caller wants no more; then, as after every failure, nothing is left.
 */
export async function createWithConmon(
  { plan, conmon, timeoutMs }: CreateParams,
  { descriptors, cgroups, aborted }: CreateContext,
): Promise<MonitorResult> {
  let started: StartedConmon
  try {
    await previousRunUnmounted(plan)
    clearBundle(plan)
    started = startConmon({ ...plan, mounts: withDescriptors(plan.mounts, descriptors) }, conmon)
  } finally {
    for (const fd of descriptors) closeSync(fd)
  }
  const { process, sync } = started
  const { report, close } = readReport(sync)
  const done = new AbortController()
  try {
    const monitorStartTime = processStartTimeSync(process.pid) ?? ''
    writeFileSync(bundleFiles(plan).monitorPid, `${process.pid} ${monitorStartTime}\n`, { mode: 0o600 })
    const { moved } = await placeMonitor(plan, started, cgroups)
    const late = sleep(timeoutMs, { signal: done.signal }).then(() => Promise.reject(createTimedOut(plan, timeoutMs)))
    late.catch(() => {})
    const said = await Promise.race([report, late, aborted])
    if (said === undefined) throw conmonEnded(plan, await process.exited)
    if ('failed' in said) throw createFailed(plan, said.failed.message)
    await moved
    return { pid: said.pid, pidStartTime: processStartTimeSync(said.pid) ?? '', monitorPid: process.pid, monitorStartTime }
  } catch (error) {
    await takeBack(plan, started)
    throw error
  } finally {
    done.abort()
    close()
    closeSync(sync)
  }
}

/** Nothing here may wait: the process is in the container's mount namespace meanwhile. */
function startConmon(plan: MonitorPlan, conmon: string): StartedConmon {
  const sync = makePipe({ nonblockRead: true })
  const start = makePipe()
  const log = openSync(bundleFiles(plan).monitorLog, 'w', 0o600)
  let process: SpawnedProcess | undefined
  try {
    process = inPlannedMounts(plan.mounts, () =>
      spawnProcess({
        file: conmon,
        args: conmonArguments(plan),
        env: conmonEnvironment(plan),
        cwd: plan.bundle,
        stdio: ['ignore', 'ignore', log, sync.write, start.read],
      }),
    )
    process.unref()
    return { process, sync: sync.read, start: start.write }
  } catch (error) {
    const { syscall } = error as NodeJS.ErrnoException
    throw syscall?.includes('spawn') && isFaultOfProgram(error) ? conmonMissing(conmon, error) : error
  } finally {
    for (const fd of [log, sync.write, start.read, ...(process === undefined ? [sync.read, start.write] : [])]) closeSync(fd)
  }
}

/**
 * Moves conmon into its own cgroup and lets it go on. On v1 a move takes as long as creating the container, and what conmon starts goes
 * to a cgroup of its own anyway: there both happen at the same time. On v2 conmon waits.
 */
async function placeMonitor(
  plan: MonitorPlan,
  { process, start }: StartedConmon,
  cgroups: MonitorCgroups,
): Promise<{ readonly moved: Promise<void> }> {
  try {
    const moved = plan.monitorCgroup === undefined ? Promise.resolve() : cgroups.move(plan.monitorCgroup, process.pid)
    if (plan.monitorCgroup === undefined || (await cgroups.mayMoveLater())) {
      moved.catch(() => {})
      return { moved }
    }
    await moved
    return { moved }
  } finally {
    writeStart(start)
  }
}

/** Any byte says go, and so does the end of the pipe. */
function writeStart(fd: number): void {
  try {
    writeFileSync(fd, '\0')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  } finally {
    closeSync(fd)
  }
}

function createFailed(plan: MonitorPlan, message: string): Error {
  const { runtime, bundle, id } = plan
  const argv = [runtime.path, ...runtime.args, 'create', '--bundle', bundle, id]
  return runtimeFailed(
    { name: runtime.name, verb: 'create', argv, runs: true },
    { code: null, signal: null, log: `${readText(bundleFiles(plan).runtimeLog)}\n${message}` },
  )
}

/** Who was created so far may not be in the runtime's books yet; what is, `delete` takes away. */
async function takeBack(plan: MonitorPlan, { process }: StartedConmon): Promise<void> {
  process.kill(9)
  await process.exited
  await endProcessesOf(plan.bundle)
  await invoke({ ...plan.runtime, env: plan.env }, ['delete', '--force', plan.id], {
    signal: AbortSignal.timeout(10_000),
  }).catch(() => {})
  clearBundle(plan)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
