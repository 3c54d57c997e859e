import { PassThrough, type Readable, Writable } from 'node:stream'
import { type AbortOptions, onAbort } from '../base/abort.ts'
import { LibpodError } from '../base/errors.ts'
import { verbOptions } from '../base/schema.ts'
import type { MonitorAttachment } from '../oci/monitor.ts'
import { checkTerminalSize } from './check-terminal-size.ts'
import { monitorOf } from './lifecycle/pins.ts'
import { withContainer } from './lifecycle/with-container.ts'
import { monitorPlaceOf } from './places.ts'
import type { ContainerRecord } from './record.ts'
import type { ContainersServices } from './services.ts'
import { checkStatus } from './status.ts'
import { subjectOf } from './subject.ts'

/** Options of {@link Container.attach}. @public */
export interface AttachOptions extends AbortOptions {
  /** Connect to the container's stdin too; it must have been created with `stdin: true` or `tty: true`. */
  readonly stdin?: boolean | undefined
  /** Stop reading from the container while the reader is slow. The container then waits with its output: by default a slow reader is dropped instead. */
  readonly backpressure?: boolean | undefined
}

/**
 * A connection to a container's own stdio. What was written before is not replayed. Closing it (or disposing of it)
 * leaves the container alone, but for one thing: a container with a stdin and no terminal reads the end of it when any session that it has is
 * closed, as with Podman, because conmon ends it with the first client that leaves.
 *
 * @public
 */
export interface AttachSession extends AsyncDisposable {
  /** What the container writes to stdout; everything, if it has a terminal. Ends with the container. */
  readonly stdout: Readable
  readonly stderr: Readable
  /** The container's stdin; absent without `stdin: true`. Ending it ends the container's stdin. */
  readonly stdin?: Writable
  /** Resizes the container's terminal. */
  resize(size: { readonly rows: number; readonly columns: number }): Promise<void>
  close(): Promise<void>
}

const checkOptions = verbOptions<AttachOptions>((z) => ({ stdin: z.boolean().optional(), backpressure: z.boolean().optional() }))

/** How much may wait for a slow reader before it is dropped. */
const patienceBytes = 1024 * 1024

/** Connects to the stdio of a container that is initialized or running. */
export async function attachContainer(services: ContainersServices, id: string, options: AttachOptions = {}): Promise<AttachSession> {
  await checkOptions(options)
  const { stdin = false, backpressure = false, signal } = options
  signal?.throwIfAborted()
  const { monitor, attachment, record } = await withContainer(services, id, { signal }, async ({ record }) => {
    checkStatus('attach', record)
    checkStdio(record, stdin)
    const monitor = monitorOf(services, record)
    return { result: { record, monitor, attachment: await monitor.attach(monitorPlaceOf(services.places, id), { stdin }) } }
  })
  try {
    await services.emit({ ...subjectOf(record), action: 'attach' })
    services.closer.check()
  } catch (error) {
    await attachment.close()
    throw error
  }
  const stdout = new PassThrough({ highWaterMark: patienceBytes })
  const stderr = new PassThrough({ highWaterMark: patienceBytes })
  // Who reads one of them and not the other must not lose his process to the other's failure.
  for (const stream of [stdout, stderr]) stream.on('error', () => {})
  const closeSession = async (): Promise<void> => {
    release()
    unregister()
    await attachment.close()
  }
  const unregister = services.closer.add(closeSession)
  const release = onAbort(signal, (reason) => {
    for (const stream of [stdout, stderr]) stream.destroy(reason as Error)
    void attachment.close()
  })
  void pump(attachment, { stdout, stderr }, backpressure).finally(() => {
    release()
    unregister()
  })
  return {
    stdout,
    stderr,
    ...(stdin ? { stdin: stdinOf(attachment) } : {}),
    async resize(size) {
      checkTerminalSize(size)
      if (!record.options.tty) throw noTerminal(record.name)
      await monitor.control(monitorPlaceOf(services.places, id), { resize: size })
    },
    close: closeSession,
    [Symbol.asyncDispose]: closeSession,
  }
}

function checkStdio({ name, options }: ContainerRecord, stdin: boolean): void {
  if (!stdin || options.stdin || options.tty) return
  throw new LibpodError(
    'invalid-argument',
    `stdin: container ${name} was created without one.`,
    { path: 'stdin', value: stdin },
    { hint: 'Create it with { stdin: true }.' },
  )
}

function noTerminal(name: string): LibpodError {
  return new LibpodError(
    'unsupported',
    `Container ${name} has no terminal to resize.`,
    { what: 'resize' },
    { hint: 'Create it with { tty: true }.' },
  )
}

/** Always drains: a reader that stops would stop the container. */
async function pump(
  attachment: MonitorAttachment,
  streams: { stdout: PassThrough; stderr: PassThrough },
  backpressure: boolean,
): Promise<void> {
  try {
    for await (const { stream, data } of attachment.output) {
      const target = streams[stream]
      if (target.destroyed || target.write(data)) continue
      if (backpressure) await new Promise<void>((resume) => target.once('drain', resume).once('close', resume))
      else if (target.writableLength > patienceBytes) {
        throw new LibpodError(
          'slow-consumer',
          `The reader of ${stream} is ${target.writableLength} bytes behind and was dropped, so that the container goes on.`,
          {
            bufferedBytes: target.writableLength,
          },
          { hint: 'Read faster, or attach with { backpressure: true }.' },
        )
      }
    }
    streams.stdout.end()
    streams.stderr.end()
  } catch (error) {
    for (const stream of [streams.stdout, streams.stderr]) stream.destroy(error as Error)
    await attachment.close()
  }
}

function stdinOf(attachment: MonitorAttachment): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => void attachment.write(chunk).then(() => done(), done),
    final: (done) => void attachment.end().then(() => done(), done),
  })
}
