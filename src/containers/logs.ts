import { Readable } from 'node:stream'
import { type AbortOptions, onAbort } from '../base/abort.ts'
import { verbOptions } from '../base/schema.ts'
import type { LogEntry } from '../logs/entry.ts'
import type { LogReadOptions } from '../logs/log-driver.ts'
import { logDriverOf } from './lifecycle/pins.ts'
import { waitContainer } from './lifecycle/wait.ts'
import { logPlaceOf } from './places.ts'
import type { ContainersServices } from './services.ts'
import { isActive } from './status.ts'
import { requireRecord } from './store.ts'

/** Options of {@link Container.logs}. @public */
export interface ContainerLogsOptions extends AbortOptions {
  /** Go on with what is still to come, until the container ends. */
  readonly follow?: boolean | undefined
  /** Begin with the last so many lines; all if not given. */
  readonly tail?: number | undefined
  /** Only lines written at or after this. */
  readonly since?: Date | undefined
  /** Only lines written before this. */
  readonly until?: Date | undefined
  /** Only these streams. */
  readonly streams?: readonly ('stdout' | 'stderr')[] | undefined
}

const checkOptions = verbOptions<ContainerLogsOptions>((z) => ({
  follow: z.boolean().optional(),
  tail: z.int().min(0).optional(),
  since: z.date().optional(),
  until: z.date().optional(),
  streams: z.array(z.enum(['stdout', 'stderr'])).optional(),
}))

/** The lines that a container wrote. */
export async function* containerLogs(
  services: ContainersServices,
  id: string,
  options: ContainerLogsOptions = {},
): AsyncGenerator<LogEntry, void> {
  await checkOptions(options)
  const record = await requireRecord(services, id)
  const done = new AbortController()
  try {
    yield* logDriverOf(services, record).read(logPlaceOf(record), readOptions(services, id, options, done.signal))
  } finally {
    done.abort()
  }
}

/** A container that has not run yet is followed into its first run, as Podman does; one that ended is not waited for. */
async function whenLogEnds(services: ContainersServices, id: string, signal: AbortSignal): Promise<void> {
  try {
    const { state } = await requireRecord(services, id)
    if (state.status === 'created' || isActive(state.status) || state.restartDueAt !== undefined)
      await waitContainer(services, id, { signal })
  } catch {
    // Removed, closed or no longer wanted: in each case nobody writes any more.
  }
}

/** The log's bytes as they were written, both streams in order. */
export function rawLogs(services: ContainersServices, id: string, options: ContainerLogsOptions): Readable {
  const stop = new AbortController()
  const release = onAbort(options.signal, (reason) => stop.abort(reason))
  const pieces = rawPieces(services, id, { ...options, signal: stop.signal })
  return new Readable({
    read() {
      pieces.next().then(
        ({ done, value }) => this.push(done ? null : value),
        (error: Error) => this.destroy(error),
      )
    },
    // A stream reads ahead: a generator that waits for more would not come to its end by itself.
    destroy(error, done) {
      release()
      stop.abort()
      const end = (): void => done(error)
      pieces.return().then(end, end)
    },
  })
}

async function* rawPieces(services: ContainersServices, id: string, options: ContainerLogsOptions): AsyncGenerator<Buffer, void> {
  await checkOptions(options)
  const record = await requireRecord(services, id)
  const done = new AbortController()
  try {
    yield* logDriverOf(services, record).readRaw(logPlaceOf(record), readOptions(services, id, options, done.signal))
  } finally {
    done.abort()
  }
}

function readOptions(services: ContainersServices, id: string, options: ContainerLogsOptions, done: AbortSignal): LogReadOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  return { ...given, ...(options.follow ? { ended: whenLogEnds(services, id, done) } : {}) }
}
