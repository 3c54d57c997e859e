import { LibpodError } from '../base/errors.ts'
import { checkIsObject } from '../base/known-keys.ts'
import { longestDelayMs } from '../base/longest-delay.ts'
import { step } from '../base/steps.ts'
import type { HeldNamespace } from '../linux/network/namespace.ts'
import { collect, makePipe, writeAll } from '../linux/pipe.ts'
import type { PlannedMount } from '../oci/monitor.ts'
import { beginContainer } from './create/create.ts'
import { encodeOutput } from './exec/encode-output.ts'
import type { ExecResult } from './exec/options.ts'
import { dropContainer } from './lifecycle/drop.ts'
import { runtimeOf } from './lifecycle/pins.ts'
import { inPodCgroup, leavePodCgroup } from './lifecycle/pod-cgroup.ts'
import { prepareBundle } from './lifecycle/prepare-bundle.ts'
import { releaseParts } from './lifecycle/release.ts'
import { restingInfra, startContainer } from './lifecycle/start.ts'
import { undoStart } from './lifecycle/undo-start.ts'
import { connectNetwork, startNetwork } from './networking/start-network.ts'
import type { CreateContainerOptions } from './options.ts'
import { bundleOf } from './places.ts'
import type { ContainerRecord } from './record.ts'
import type { ContainersServices } from './services.ts'
import { readRecord } from './store.ts'
import { subjectOf } from './subject.ts'
import { endedByClosing } from './while-closing.ts'

/** Options of {@link Containers.run}: those of `create`, and what `exec` has; `Encoding` is what `encoding` can be. @public */
export interface RunOptions<Encoding extends 'utf8' | 'buffer' = 'utf8'>
  extends Omit<CreateContainerOptions, 'stdin' | 'tty' | 'restart' | 'autoRemove' | 'log'> {
  /** What its stdin reads; nothing if not given. */
  readonly input?: string | Uint8Array | undefined
  /** Kill it after so long, in milliseconds; the result then says `timedOut`. */
  readonly timeoutMs?: number | undefined
  /** Keep at most so many bytes of each stream, and drop the rest: 16 MiB if not given; the result then says `truncated`. */
  readonly maxOutputBytes?: number | undefined
  /** `utf8` (default) gives texts, `buffer` the exact bytes. */
  readonly encoding?: Encoding | undefined
}

/** How a container that ran to completion ended. A non-zero exit is a result, not an error. @public */
export interface RunResult<Output extends string | Buffer = string> extends ExecResult<Output> {
  /** The id it had. */
  readonly id: string
}

const defaultMaxOutputBytes = 16 * 1024 * 1024

/** Runs a program in a container of its own, as a child of this engine, and removes the container. */
export async function runContainer(
  services: ContainersServices,
  options: RunOptions<'utf8' | 'buffer'>,
): Promise<RunResult<string | Buffer>> {
  checkIsObject(options)
  return endedByClosing(services, options, run)
}

async function run(services: ContainersServices, options: RunOptions<'utf8' | 'buffer'>): Promise<RunResult<string | Buffer>> {
  const { input, timeoutMs, maxOutputBytes = defaultMaxOutputBytes, encoding = 'utf8', ...create } = options
  checkOwn({ input, timeoutMs, maxOutputBytes, encoding })
  checkForeign(create)
  services.beginGracePeriod()
  const internals = { owner: services.owner, direct: true }
  const { record, told } = await beginContainer(services, { ...create, stdin: input !== undefined }, internals)
  let namespace: HeldNamespace | undefined
  let connected: Promise<void> | undefined
  let died: Promise<void> | undefined
  let result: RunResult<string | Buffer>
  try {
    const infra = await restingInfra(services, record)
    if (infra !== undefined) await startContainer(services, infra, { signal: options.signal })
    const network = await startNetwork(services, record)
    namespace = network?.namespace
    connected = connectNetwork(services, network)
    connected.catch(() => {})
    const { mounts } = await prepareBundle(services, record, { namespace, signal: options.signal })
    await connected
    const own = { input, timeoutMs, maxOutputBytes, signal: options.signal }
    const ran = await inPodCgroup(services, record, () => runDirect(services, record, mounts, own))
    died = services.emit({ ...subjectOf(record), action: 'died', exitCode: ran.exitCode })
    died.catch(() => {})
    await told
    result = { ...ran, id: record.id, stdout: encodeOutput(ran.stdout, encoding), stderr: encodeOutput(ran.stderr, encoding) }
  } catch (error) {
    await connected?.catch(() => {})
    // The helper, whose child it is, may have died before it.
    if (await readRecord(services, record.id)) await undoStart(services, record.id, namespace)
    throw error
  } finally {
    await step(services.probe, 'run.release', () => releaseParts(services, record, namespace))
    await leavePodCgroup(services, record)
    await Promise.allSettled([told, died])
    await step(services.probe, 'run.remove', () => dropRun(services, record))
  }
  await died
  return result
}

/** Other engines may work on it, and even remove it: then it is gone already. */
async function dropRun(services: ContainersServices, record: ContainerRecord): Promise<void> {
  const release = await services.locks.acquire(`container/${record.id}`)
  try {
    if (await readRecord(services, record.id)) await dropContainer(services, record)
  } finally {
    await release({ remove: true })
  }
}

type OwnOptions = Pick<RunOptions<'utf8' | 'buffer'>, 'input' | 'timeoutMs' | 'encoding' | 'signal'> & { readonly maxOutputBytes: number }

function checkOwn({ input, timeoutMs, maxOutputBytes, encoding }: OwnOptions): void {
  const refuse = (path: string, value: unknown, what: string): never => {
    throw new LibpodError('invalid-argument', `${path}: ${what}.`, { path, value })
  }
  if (input !== undefined && typeof input !== 'string' && !(input instanceof Uint8Array)) refuse('input', input, 'must be a text or bytes')
  if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= longestDelayMs))
    refuse('timeoutMs', timeoutMs, `must be a positive number of milliseconds, at most ${longestDelayMs}`)
  if (!Number.isInteger(maxOutputBytes) || maxOutputBytes < 0) refuse('maxOutputBytes', maxOutputBytes, 'must be a number of bytes')
  if (encoding !== 'utf8' && encoding !== 'buffer') refuse('encoding', encoding, 'must be utf8 or buffer')
}

/** Options of `create` that mean nothing to a container that is run to completion. */
const foreign = ['stdin', 'tty', 'restart', 'autoRemove', 'log']

function checkForeign(options: object): void {
  const path = Object.keys(options).find((key) => foreign.includes(key))
  if (path === undefined) return
  throw new LibpodError(
    'invalid-argument',
    `${path}: run() has no such option.`,
    { path },
    { hint: 'Use create() and start() for what outlives a call, or input for its stdin.' },
  )
}

async function runDirect(
  services: ContainersServices,
  record: ContainerRecord,
  mounts: readonly PlannedMount[],
  { input, timeoutMs, maxOutputBytes, signal }: OwnOptions,
): Promise<ExecResult<Buffer>> {
  const [runtime, host] = await Promise.all([runtimeOf(services, record), services.host()])
  const stdin = input === undefined ? undefined : makePipe()
  const stdout = makePipe()
  const stderr = makePipe()
  const late = new AbortController()
  const untold = new AbortController()
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => late.abort(), timeoutMs)
  const plan = {
    id: record.id,
    bundle: bundleOf(services.places, record.id),
    runtime: runtime.command(),
    mounts,
    env: services.config.monitorEnv,
    systemdCgroup: host.systemdCgroup,
  }
  const ended = services.direct.run(
    plan,
    { stdout: stdout.write, stderr: stderr.write, ...(stdin === undefined ? {} : { stdin: stdin.read }) },
    { signal: AbortSignal.any([late.signal, untold.signal, ...(signal === undefined ? [] : [signal])]) },
  )
  ended.catch(() => {})
  const outputs = [collect(stdout.read, { max: maxOutputBytes }), collect(stderr.read, { max: maxOutputBytes })] as const
  const feeding = new AbortController()
  const fed = stdin === undefined || input === undefined ? undefined : writeAll(stdin.write, input, { signal: feeding.signal })
  fed?.catch(() => {})
  let exitCode = 137
  try {
    await services.emit({ ...subjectOf(record), action: 'start' }).catch(async (error: unknown) => {
      untold.abort(error)
      await ended
    })
    exitCode = (await ended).exitCode
  } catch (error) {
    if (!late.signal.aborted || signal?.aborted || untold.signal.aborted) throw error
  } finally {
    clearTimeout(timer)
    for (const output of outputs) output.finish()
    if (fed !== undefined) feeding.abort()
  }
  const [out, err] = await Promise.all([outputs[0].done, outputs[1].done])
  return { exitCode, stdout: out.data, stderr: err.data, timedOut: late.signal.aborted, truncated: out.truncated || err.truncated }
}
