import { type AbortOptions, onAbort } from '../base/abort.ts'
import { LibpodError } from '../base/errors.ts'
import { lazySchema, verbOptions } from '../base/schema.ts'
import { sleep } from '../base/time.ts'
import { waitContainer } from './lifecycle/wait.ts'
import { containerLogs } from './logs.ts'
import { type HttpProbe, untilHttp, untilPort } from './networking/until-port.ts'
import type { ContainersServices } from './services.ts'
import { requireRecord } from './store.ts'

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

const checkOptions = verbOptions<WaitUntilOptions>((z) => ({ timeoutMs: z.number().min(0).max(0x7fff_ffff).optional() }))

const conditionSchema = lazySchema<unknown>((z) =>
  z.union(
    [
      z.strictObject({ log: z.union([z.string(), z.instanceof(RegExp)]), times: z.int().min(1).optional() }),
      z.strictObject({ port: z.int().min(1).max(65_535) }),
      z.strictObject({
        http: z.strictObject({
          port: z.int().min(1).max(65_535),
          path: z.string().startsWith('/', 'must begin with "/"').optional(),
          status: z.int().min(100).max(599).optional(),
          tls: z.boolean().optional(),
        }),
      }),
      z.strictObject({ exit: z.literal(true) }),
      z.strictObject({
        predicate: z.custom((value) => typeof value === 'function', 'must be a function'),
        everyMs: z.number().min(0).optional(),
      }),
    ],
    'must be { log }, { port }, { http }, { exit: true } or { predicate }',
  ),
)

/** Waits until a container is ready by the caller's own measure; rejects when that cannot happen any more. */
export async function waitUntil(
  services: ContainersServices,
  id: string,
  condition: WaitUntilCondition,
  options: WaitUntilOptions = {},
): Promise<void> {
  await Promise.all([conditionSchema.parse(condition, 'condition'), checkOptions(options)])
  const { timeoutMs = 60_000, signal } = options
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
  try {
    if ('log' in condition) await untilLog(services, id, record.name, condition, stop.signal)
    else if ('port' in condition) await untilPort(services, id, condition.port, stop.signal)
    else if ('http' in condition) await untilHttp(services, id, condition.http, stop.signal)
    else if ('exit' in condition) await waitContainer(services, id, { condition: 'next-exit', signal: stop.signal })
    else await untilPredicate(condition, stop.signal)
  } finally {
    clearTimeout(timer)
    release()
  }
}

async function untilLog(
  services: ContainersServices,
  id: string,
  name: string,
  { log, times = 1 }: { readonly log: string | RegExp; readonly times?: number | undefined },
  signal: AbortSignal,
): Promise<void> {
  // A pattern with the g or y flag remembers where it stopped; every line is looked at from its beginning.
  const pattern = typeof log === 'string' ? undefined : new RegExp(log.source, log.flags.replace(/[gy]/g, ''))
  let seen = 0
  for await (const { line } of containerLogs(services, id, { follow: true, signal })) {
    if (pattern ? pattern.test(line) : line.includes(log as string)) seen++
    if (seen >= times) return
  }
  throw new LibpodError(
    'unavailable',
    `Container ${name} ended before its log showed ${String(log)}${times > 1 ? ` ${times} times` : ''}.`,
    { what: name },
    {
      hint: 'Look at its logs() and its exit code.',
    },
  )
}

async function untilPredicate(
  { predicate, everyMs = 100 }: { readonly predicate: () => boolean | Promise<boolean>; readonly everyMs?: number | undefined },
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    if (await predicate()) return
    await sleep(everyMs, { signal })
  }
}
