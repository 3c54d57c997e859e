import assert from 'node:assert/strict'
import type { LogEntry } from './entry.ts'
import type { LogDriver, LogPlace, LogReadOptions } from './log-driver.ts'

/** What the container wrote in one go. @public */
export interface WrittenPiece {
  readonly stream: 'stdout' | 'stderr'
  readonly data: Uint8Array | string
  /** Whether a newline followed. */
  readonly complete: boolean
  /** When; a time of the writer's choice if not given. */
  readonly time?: Date
}

/** What a case works with: a driver, and a writer that stores as a monitor would that was given the driver's arguments. @public */
export interface LogDriverCaseContext {
  readonly driver: LogDriver
  readonly place: LogPlace
  /** Appends to the log; resolves when it can be read. */
  write(pieces: readonly WrittenPiece[]): Promise<void>
  /** Does what the writer does when the log has become too long; only with the requirement `rotation`. */
  rotate?(): Promise<void>
}

/** One conformance case of the contract {@link LogDriver}. @public */
export interface LogDriverCase {
  readonly name: string
  /** Only for drivers that can do this. */
  readonly requires?: 'reading' | 'rotation'
  run(context: LogDriverCaseContext): Promise<void>
}

const lines = (stream: 'stdout' | 'stderr', ...texts: readonly string[]): WrittenPiece[] =>
  texts.map((data) => ({ stream, data, complete: true }))

async function collect({ driver, place }: LogDriverCaseContext, options: LogReadOptions = {}): Promise<LogEntry[]> {
  const entries: LogEntry[] = []
  for await (const entry of driver.read(place, options)) entries.push(entry)
  return entries
}

const texts = (entries: readonly LogEntry[]): string[] => entries.map(({ stream, line }) => `${stream}: ${line}`)

/** The conformance cases of the contract {@link LogDriver}: an implementation's test runs those that it can do. @public */
export const logDriverCases: readonly LogDriverCase[] = [
  {
    name: 'tells the monitor where to write',
    async run({ driver, place }) {
      const args = driver.monitorArgs(place)
      assert.equal(args[0], '-l')
      assert.ok(args.every((arg) => typeof arg === 'string' && arg !== ''))
    },
  },
  {
    name: 'removes a log that is not there',
    async run({ driver, place }) {
      await driver.remove(place)
      await driver.remove(place)
    },
  },
  {
    name: 'reads a log that is not there as empty',
    requires: 'reading',
    async run(context) {
      assert.deepEqual(await collect(context), [])
    },
  },
  {
    name: 'gives lines of both streams in the order they were written, with their times',
    requires: 'reading',
    async run(context) {
      await context.write([...lines('stdout', 'one'), ...lines('stderr', 'two', ''), ...lines('stdout', ' three ')])
      const entries = await collect(context)
      assert.deepEqual(texts(entries), ['stdout: one', 'stderr: two', 'stderr: ', 'stdout:  three '])
      for (const { time, partial } of entries) {
        assert.equal(partial, false)
        assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d)$/)
      }
    },
  },
  {
    name: 'joins the pieces of a line, each stream for itself',
    requires: 'reading',
    async run(context) {
      await context.write([
        { stream: 'stdout', data: 'a', complete: false },
        { stream: 'stderr', data: 'x', complete: false },
        { stream: 'stdout', data: 'b', complete: false },
        { stream: 'stderr', data: 'y', complete: true },
        { stream: 'stdout', data: 'c', complete: true },
      ])
      assert.deepEqual(texts(await collect(context)), ['stderr: xy', 'stdout: abc'])
    },
  },
  {
    name: 'keeps a character whole that two pieces share, and replaces what is not UTF-8',
    requires: 'reading',
    async run(context) {
      const euro = Buffer.from('€')
      await context.write([
        { stream: 'stdout', data: euro.subarray(0, 1), complete: false },
        { stream: 'stdout', data: euro.subarray(1), complete: true },
        { stream: 'stdout', data: Buffer.from([0x61, 0xff, 0x62]), complete: true },
      ])
      assert.deepEqual(texts(await collect(context)), ['stdout: €', 'stdout: a\ufffdb'])
    },
  },
  {
    name: 'gives a last line that has no newline',
    requires: 'reading',
    async run(context) {
      await context.write([...lines('stdout', 'one'), { stream: 'stdout', data: 'prompt> ', complete: false }])
      assert.deepEqual(texts(await collect(context)), ['stdout: one', 'stdout: prompt> '])
      assert.deepEqual(texts(await collect(context, { tail: 1 })), ['stdout: prompt> '])
    },
  },
  {
    name: 'gives a line of more than 1 MiB in parts',
    requires: 'reading',
    async run(context) {
      const piece = '€'.repeat(2730)
      const count = 300
      await context.write(Array.from({ length: count }, (_, index) => ({ stream: 'stdout', data: piece, complete: index === count - 1 })))
      const entries = await collect(context)
      assert.ok(entries.length > 1)
      assert.deepEqual(
        entries.map(({ partial }) => partial),
        entries.map((_, index) => index < entries.length - 1),
      )
      assert.equal(entries.map(({ line }) => line).join(''), piece.repeat(count))
    },
  },
  {
    name: 'gives the last lines of all, however many pieces they have',
    requires: 'reading',
    async run(context) {
      await context.write([
        ...lines('stdout', 'old', 'older'),
        { stream: 'stderr', data: 'long ', complete: false },
        ...lines('stdout', 'between'),
        { stream: 'stderr', data: 'line', complete: true },
        ...lines('stdout', 'last'),
      ])
      assert.deepEqual(texts(await collect(context, { tail: 2 })), ['stderr: long line', 'stdout: last'])
      assert.deepEqual(texts(await collect(context, { tail: 3 })), ['stdout: between', 'stderr: long line', 'stdout: last'])
      assert.deepEqual(texts(await collect(context, { tail: 1, streams: ['stderr'] })), ['stderr: long line'])
      assert.deepEqual(await collect(context, { tail: 0 }), [])
      assert.equal((await collect(context, { tail: 100 })).length, 5)
    },
  },
  {
    name: 'chooses by time and by stream',
    requires: 'reading',
    async run(context) {
      const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second))
      await context.write(
        [0, 1, 2, 3].map((second) => ({
          stream: second % 2 === 0 ? 'stdout' : 'stderr',
          data: String(second),
          complete: true,
          time: at(second),
        })),
      )
      assert.deepEqual(texts(await collect(context, { since: at(1), until: at(3) })), ['stderr: 1', 'stdout: 2'])
      assert.deepEqual(texts(await collect(context, { streams: ['stderr'] })), ['stderr: 1', 'stderr: 3'])
    },
  },
  {
    name: 'follows until the writer has ended, and then still gives every line',
    requires: 'reading',
    async run(context) {
      await context.write(lines('stdout', 'before'))
      const { promise: ended, resolve: end } = signalled()
      const entries: string[] = []
      for await (const { line } of context.driver.read(context.place, { follow: true, ended })) {
        entries.push(line)
        if (line === 'before') await context.write(lines('stdout', 'while'))
        if (line === 'while') {
          await context.write(lines('stdout', 'last'))
          end()
        }
      }
      assert.deepEqual(entries, ['before', 'while', 'last'])
    },
  },
  {
    name: 'follows a log that does not exist yet, and only what comes after the tail',
    requires: 'reading',
    async run(context) {
      const { promise: ended, resolve: end } = signalled()
      const reading = collect(context, { follow: true, tail: 0, ended })
      await new Promise((resolve) => setTimeout(resolve, 50))
      await context.write(lines('stdout', 'first'))
      await context.write(lines('stderr', 'second'))
      end()
      assert.deepEqual(texts(await reading), ['stdout: first', 'stderr: second'])
    },
  },
  {
    name: 'ends at once when the writer had ended before',
    requires: 'reading',
    async run(context) {
      await context.write(lines('stdout', 'all'))
      assert.deepEqual(texts(await collect(context, { follow: true, ended: Promise.resolve() })), ['stdout: all'])
    },
  },
  {
    name: 'ends when the time is over after which nothing is wanted',
    requires: 'reading',
    async run(context) {
      await context.write(lines('stdout', 'now'))
      assert.deepEqual(texts(await collect(context, { follow: true, until: new Date(Date.now() + 50) })), ['stdout: now'])
    },
  },
  {
    name: 'rejects with the reason of an abort, untouched',
    requires: 'reading',
    async run(context) {
      const reason = { why: 'enough' }
      const before = new AbortController()
      before.abort(reason)
      await assert.rejects(collect(context, { signal: before.signal }), (error) => error === reason)
      const controller = new AbortController()
      const reading = collect(context, { follow: true, signal: controller.signal })
      setTimeout(() => controller.abort(reason), 20)
      await assert.rejects(reading, (error) => error === reason)
    },
  },
  {
    name: 'follows across the beginning of a new file, and loses nothing',
    requires: 'rotation',
    async run(context) {
      await context.write(lines('stdout', '1'))
      const { promise: ended, resolve: end } = signalled()
      const seen: string[] = []
      for await (const { line } of context.driver.read(context.place, { follow: true, ended })) {
        seen.push(line)
        if (line === '1') {
          await context.write(lines('stdout', '2'))
          await context.rotate?.()
          await context.write(lines('stdout', '3'))
        }
        if (line === '3') end()
      }
      assert.deepEqual(seen, ['1', '2', '3'])
    },
  },
  {
    name: 'gives exact bytes when they are asked for',
    requires: 'reading',
    async run(context) {
      const bytes = Buffer.from([0, 1, 0x80, 0xff, 0x0d])
      await context.write([
        { stream: 'stdout', data: bytes, complete: true },
        { stream: 'stderr', data: 'x', complete: true },
        { stream: 'stdout', data: 'no newline', complete: false },
      ])
      const read = async (options: LogReadOptions): Promise<Buffer> => {
        const chunks: Buffer[] = []
        for await (const chunk of context.driver.readRaw(context.place, options)) chunks.push(Buffer.from(chunk))
        return Buffer.concat(chunks)
      }
      assert.deepEqual(await read({ streams: ['stdout'] }), Buffer.concat([bytes, Buffer.from('\nno newline')]))
      assert.deepEqual(await read({}), Buffer.concat([bytes, Buffer.from('\nx\nno newline')]))
    },
  },
  {
    name: 'removes everything',
    requires: 'reading',
    async run(context) {
      await context.write(lines('stdout', 'gone'))
      await context.driver.remove(context.place)
      assert.deepEqual(await collect(context), [])
    },
  },
]

function signalled(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve: () => resolve() }
}
