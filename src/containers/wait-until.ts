import { type AbortOptions, abortable, onAbort } from '../base/abort.ts'
import { LibpodError } from '../base/errors.ts'
import { longestDelayMs } from '../base/longest-delay.ts'
import { lazySchema, verbOptions } from '../base/schema.ts'
import { sleep } from '../base/time.ts'
import { waitContainer } from './lifecycle/wait.ts'
import { containerLogs } from './logs.ts'
import { type HttpProbe, untilHttp, untilPort } from './networking/until-port.ts'
import type { ContainerRecord, ContainerState } from './record.ts'
import type { ContainersServices } from './services.ts'
import { isActive } from './status.ts'
import { readRecord, requireRecord } from './store.ts'

/**
 * What {@link Container.waitUntil} waits for: a line of the log that contains a text or matches a pattern; a program that listens on
 * a tcp port of the container; an answer over http; the exit of the container; or a predicate of the caller's, asked again and again.
 *
 * @public
 */
export type WaitUntilCondition =
  | { readonly log: string | RegExp /** How many such lines; 1 if not given. */; readonly times?: number | undefined }
  | { readonly port: number }
  | { readonly http: HttpProbe }
  | { readonly exit: true }
  | {
      readonly predicate: () => boolean | Promise<boolean> /** How long between two askings; 100 if not given. */
      readonly everyMs?: number | undefined
    }

/** Options of {@link Container.waitUntil}. @public */
export interface WaitUntilOptions extends AbortOptions {
  /** Give up after so long, in milliseconds: 60,000 if not given. */
  readonly timeoutMs?: number | undefined
}

const checkOptions = verbOptions<WaitUntilOptions>((z) => ({ timeoutMs: z.number().min(0).max(longestDelayMs).optional() }))

const conditionSchemas = {
  log: lazySchema<unknown>((z) =>
    z.strictObject({ log: z.union([z.string(), z.instanceof(RegExp)], 'must be a text or a RegExp'), times: z.int().min(1).optional() }),
  ),
  port: lazySchema<unknown>((z) => z.strictObject({ port: z.int().min(1).max(65_535) })),
  http: lazySchema<unknown>((z) =>
    z.strictObject({
      http: z.strictObject({
        port: z.int().min(1).max(65_535),
        path: z.string().startsWith('/', 'must begin with "/"').optional(),
        status: z.int().min(100).max(599).optional(),
        tls: z.boolean().optional(),
      }),
    }),
  ),
  exit: lazySchema<unknown>((z) => z.strictObject({ exit: z.literal(true) })),
  predicate: lazySchema<unknown>((z) =>
    z.strictObject({
      predicate: z.custom((value) => typeof value === 'function', 'must be a function'),
      everyMs: z.number().min(0).max(longestDelayMs).optional(),
    }),
  ),
}

async function checkCondition(condition: unknown): Promise<void> {
  const kinds = Object.entries(conditionSchemas)
  const found = kinds.filter(([kind]) => typeof condition === 'object' && condition !== null && kind in condition)
  const [kind] = found
  if (kind !== undefined && found.length === 1) return void (await kind[1].parse(condition, 'condition'))
  throw new LibpodError(
    'invalid-argument',
    'condition: must be one of { log }, { port }, { http }, { exit: true } and { predicate }.',
    { path: 'condition', value: condition },
    { hint: 'To wait for several things, wait for one after the other.' },
  )
}

/** Waits until a container is ready by the caller's own measure; rejects when that cannot happen any more. */
export async function waitUntil(
  services: ContainersServices,
  id: string,
  condition: WaitUntilCondition,
  options: WaitUntilOptions = {},
): Promise<void> {
  await Promise.all([checkCondition(condition), checkOptions(options)])
  const { timeoutMs = 60_000, signal } = options
  services.closer.check()
  const record = await requireRecord(services, id)
  const stop = new AbortController()
  const late = new LibpodError(
    'unavailable',
    `Container ${record.name} was not ready after ${timeoutMs} ms.`,
    { what: record.name },
    {
      hint: 'Look at its logs(), or give it more time with { timeoutMs }.',
    },
  )
  const timer = setTimeout(() => stop.abort(late), timeoutMs)
  const release = onAbort(signal, (reason) => stop.abort(reason))
  const unregister = services.closer.add(() => stop.abort(services.closer.reason()))
  try {
    stop.signal.throwIfAborted()
    if ('log' in condition) await untilLog(services, record, condition, stop.signal)
    else if ('port' in condition) await untilPort(services, id, condition.port, stop.signal)
    else if ('http' in condition) await untilHttp(services, id, condition.http, stop.signal)
    else if ('exit' in condition) await untilExit(services, record, stop.signal)
    else await untilPredicate(services, record, condition, stop.signal)
  } finally {
    clearTimeout(timer)
    release()
    unregister()
  }
}

async function untilLog(
  services: ContainersServices,
  { id, name, state }: ContainerRecord,
  { log, times = 1 }: { readonly log: string | RegExp; readonly times?: number | undefined },
  signal: AbortSignal,
): Promise<void> {
  // A pattern with the g or y flag remembers where it stopped; every line is looked at from its beginning.
  const pattern = typeof log === 'string' ? undefined : new RegExp(log.source, log.flags.replace(/[gy]/g, ''))
  let seen = 0
  // What an earlier run said does not count.
  const since = state.generation > 1 && state.startedAt !== undefined ? { since: new Date(state.startedAt) } : {}
  for await (const { line } of containerLogs(services, id, { follow: true, signal, ...since })) {
    if (pattern ? pattern.test(line) : line.includes(log as string)) seen++
    if (seen >= times) return
  }
  // Then it is not the container that has ended.
  services.closer.check()
  throw endedBefore(name, `its log showed ${String(log)}${times > 1 ? ` ${times} times` : ''}`)
}

function endedBefore(name: string, what: string): LibpodError<'unavailable'> {
  return new LibpodError(
    'unavailable',
    `Container ${name} ended before ${what}.`,
    { what: name },
    { hint: 'Look at its logs() and its exit code.' },
  )
}

/** One that has ended already has no other end to wait for. */
async function untilExit(services: ContainersServices, { id, state }: ContainerRecord, signal: AbortSignal): Promise<void> {
  if (state.status === 'exited' && state.restartDueAt === undefined) return
  await waitContainer(services, id, { condition: 'next-exit', signal })
}

/** One that somebody just restarts has ended as well, for a moment. */
const restartMs = 1000

function isOver({ status, restartDueAt, finishedAt }: ContainerState): boolean {
  return !isActive(status) && restartDueAt === undefined && finishedAt !== undefined && Date.now() - Date.parse(finishedAt) > restartMs
}

async function untilPredicate(
  services: ContainersServices,
  { id, name, state }: ContainerRecord,
  { predicate, everyMs = 100 }: { readonly predicate: () => boolean | Promise<boolean>; readonly everyMs?: number | undefined },
  signal: AbortSignal,
): Promise<void> {
  let ran = isActive(state.status)
  for (;;) {
    signal.throwIfAborted()
    if (await abortable(Promise.resolve(predicate()), signal)) return
    const now = (await readRecord(services, id))?.state
    ran ||= now !== undefined && now.generation > state.generation
    if (now === undefined || (ran && isOver(now))) throw endedBefore(name, 'it was ready')
    await sleep(everyMs, { signal })
  }
}
