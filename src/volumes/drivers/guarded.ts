import { isAbsolute } from 'node:path'
import { abortable, onAbort } from '../../base/abort.ts'
import { isLibpodError, LibpodError } from '../../base/errors.ts'
import { areApart } from '../../linux/fs/apart.ts'
import type { DriverVolume, VolumeDriver, VolumeSource } from '../volume-driver.ts'

/** A question to a driver, and what may come of it. */
interface Question<Answer> {
  /** What it is asked to do with the volume. */
  readonly verb: string
  readonly ask: () => Promise<unknown>
  /** Whether the answer is one, and what it should be. */
  readonly isAnswer: (answer: unknown) => answer is Answer
  readonly wanted: string
  readonly signal?: AbortSignal | undefined
  /** So long after the abort the answer is still waited for, and then counts: what was made would belong to nobody otherwise. */
  readonly patienceMs?: number
}

/** As long as the helper process has. */
const defaultPatienceMs = 10_000

/**
 * A driver that the host application brings: what it throws, and what it says, may be anything; and it may not listen to the signal.
 * Once it is asked to make or mount something, nobody asks it for the contrary before it has come to an end, unless it takes too long.
 */
export function guardedDriver(
  driver: VolumeDriver,
  { patienceMs = defaultPatienceMs }: { readonly patienceMs?: number } = {},
): VolumeDriver {
  return {
    name: driver.name,
    create: (volume, options) =>
      answerOf(driver, volume, {
        verb: 'make',
        ask: async () => driver.create(volume, options),
        isAnswer: isMade,
        wanted: 'an object, with an absolute path as mountpoint if there is one',
        signal: options?.signal,
        patienceMs,
      }),
    remove: (volume) => answerOf(driver, volume, { verb: 'remove', ask: async () => driver.remove(volume), ...nothing }),
    mount: (volume, options) =>
      answerOf(driver, volume, {
        verb: 'mount',
        ask: async () => driver.mount(volume, options),
        isAnswer: isSource,
        wanted:
          "{ type: 'folder', path } with an absolute path, and a stage apart from it if there is one, or { type: 'mount', mount: { type, source, options } }",
        signal: options.signal,
        patienceMs,
      }),
    unmount: (volume, options) =>
      answerOf(driver, volume, { verb: 'let go of', ask: async () => driver.unmount(volume, options), ...nothing }),
    usage: (volume, options) =>
      answerOf(driver, volume, {
        verb: 'measure',
        ask: async () => driver.usage(volume, options),
        isAnswer: isUsage,
        wanted: '{ sizeBytes, inodes }, both numbers',
        signal: options?.signal,
      }),
  }
}

async function answerOf<Answer>(
  { name: driver }: VolumeDriver,
  { name }: DriverVolume,
  { verb, ask, isAnswer, wanted, signal, patienceMs }: Question<Answer>,
): Promise<Answer> {
  const failed = (why: string, cause?: unknown): LibpodError<'internal'> =>
    new LibpodError(
      'internal',
      `The volume driver ${driver}, asked to ${verb} volume ${name}, ${why.replace(/\.$/, '')}.`,
      { what: `volume driver ${driver}` },
      { hint: 'Look at the driver that was given to Runtime.open.', ...(cause === undefined ? {} : { cause }) },
    )
  signal?.throwIfAborted()
  let answer: unknown
  try {
    answer = await (patienceMs === undefined ? abortable(ask(), signal) : patiently(ask(), signal, patienceMs))
  } catch (error) {
    signal?.throwIfAborted()
    if (isLibpodError(error)) throw error
    throw failed(`failed: ${error instanceof Error ? error.message : 'it threw what is no error'}`, error)
  }
  if (isAnswer(answer)) return answer
  throw failed(`did not give what it should: ${wanted}`)
}

/** Waits for an answer, and from the abort on for so long at most. */
async function patiently(answer: Promise<unknown>, signal: AbortSignal | undefined, patienceMs: number): Promise<unknown> {
  const enough = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const release = onAbort(signal, (reason) => {
    timer = setTimeout(() => enough.abort(reason), patienceMs)
  })
  try {
    return await abortable(answer, enough.signal)
  } finally {
    release()
    clearTimeout(timer)
  }
}

/** Whatever a verb without an answer gives is nobody's business. */
const nothing = { isAnswer: (_: unknown): _ is undefined => true, wanted: '' }

function isMade(answer: unknown): answer is { readonly mountpoint?: string } {
  if (!isObject(answer)) return false
  const { mountpoint } = answer
  return mountpoint === undefined || isPath(mountpoint)
}

function isSource(answer: unknown): answer is VolumeSource {
  if (!isObject(answer)) return false
  const { type, path, stage, mount } = answer
  if (type === 'folder') return isPath(path) && (stage === undefined || (isPath(stage) && areApart(stage, path)))
  if (type !== 'mount' || !isObject(mount)) return false
  const { type: fsType, source, options } = mount
  return [fsType, source, ...(Array.isArray(options) ? options : [undefined])].every((text) => typeof text === 'string')
}

function isUsage(answer: unknown): answer is { readonly sizeBytes: number; readonly inodes: number } {
  return isObject(answer) && [answer['sizeBytes'], answer['inodes']].every((count) => typeof count === 'number' && count >= 0)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && isAbsolute(value)
}
