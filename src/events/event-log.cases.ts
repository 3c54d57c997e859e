import assert from 'node:assert/strict'
import { isLibpodError } from '../base/errors.ts'
import type { ContainerEvent, EngineEvent, EventDraft } from './event.ts'
import type { EventLog } from './event-log.ts'

/** What a conformance case works with. Every case gets a log of its own. @public */
export interface EventLogCaseContext {
  /** Whether events are kept at all. */
  readonly keeps: boolean
  /** Whether several processes may append. */
  readonly shared: boolean
  /** Opens the case's log, one that keeps the newest 250 events of this file at least, and at most 2,000; the case closes it. */
  open(): Promise<EventLog>
  /** Starts `processes` that each append `events` events named `<process>/<number>`, and waits for them. Only with `shared`. */
  appendElsewhere(processes: number, events: number): Promise<void>
  /** Tells what was measured. */
  report(text: string): void
}

/** One conformance case of the contract {@link EventLog}. @public */
export interface EventLogCase {
  readonly name: string
  readonly requires?: 'keeps' | 'shared'
  run(context: EventLogCaseContext): Promise<void>
}

/** An event like any other. */
export function draftOf(name: string, rest: Partial<Omit<ContainerEvent, 'cursor'>> = {}): EventDraft {
  return { type: 'container', action: 'start', id: 'f'.repeat(64), name, image: 'localhost/a:1', attributes: { label: 'ä "1"\n' }, ...rest }
}

async function readAll(log: EventLog, after?: string): Promise<EngineEvent[]> {
  const events: EngineEvent[] = []
  for await (const event of log.read({ after })) events.push(event)
  return events
}

function logCase(
  name: string,
  body: (log: EventLog, context: EventLogCaseContext) => Promise<void>,
  requires: EventLogCase['requires'] = 'keeps',
): EventLogCase {
  return {
    name,
    ...(requires === undefined ? {} : { requires }),
    async run(context) {
      const log = await context.open()
      try {
        await body(log, context)
      } finally {
        await log.close()
      }
    },
  }
}

/** The conformance cases of the contract {@link EventLog}. @public */
export const eventLogCases: readonly EventLogCase[] = [
  {
    name: 'gives an event its time, in nanoseconds, and a cursor',
    async run({ open }) {
      const log = await open()
      const before = Date.now()
      const event = await log.append(draftOf('a'))
      assert.match(event.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/)
      const time = Date.parse(event.time)
      assert.ok(time > before - 1000 && time < Date.now() + 1000)
      assert.equal(typeof event.cursor, 'string')
      assert.deepEqual(event, { ...draftOf('a'), time: event.time, cursor: event.cursor })
      const dated = await log.append(draftOf('b', { time: '2020-01-02T03:04:05.000000006Z' }))
      assert.equal(dated.time, '2020-01-02T03:04:05.000000006Z')
      assert.equal(typeof (await log.end()), 'string')
      await log.close()
      await log.close()
    },
  },
  logCase('reads what was appended, in order, whole', async (log) => {
    assert.deepEqual(await readAll(log), [])
    const appended = [
      await log.append(draftOf('a')),
      await log.append(draftOf('b', { action: 'died', exitCode: null })),
      await log.append(draftOf('c')),
    ]
    assert.deepEqual(await readAll(log), appended)
    const times = appended.map(({ time }) => time)
    assert.deepEqual(times, [...times].sort())
    assert.equal(new Set(times).size, 3)
  }),
  logCase('resumes behind any cursor', async (log) => {
    const start = await log.end()
    const appended = await Promise.all(Array.from({ length: 20 }, (_, at) => log.append(draftOf(String(at)))))
    for (const [at, { cursor }] of appended.entries()) assert.deepEqual(await readAll(log, cursor), appended.slice(at + 1))
    assert.deepEqual(await readAll(log, start), appended)
    const end = await log.end()
    assert.deepEqual(await readAll(log, end), [])
    const late = await log.append(draftOf('late'))
    assert.deepEqual(await readAll(log, end), [late])
  }),
  logCase('reading ends at the present, and can be left early', async (log) => {
    for (const name of ['a', 'b', 'c']) await log.append(draftOf(name))
    for await (const event of log.read()) {
      assert.equal((event as ContainerEvent).name, 'a')
      break
    }
    const reader = log.read()[Symbol.asyncIterator]()
    await reader.next()
    await reader.return?.()
  }),
  logCase('refuses what is no cursor', async (log) => {
    await assert.rejects(readAll(log, 'no cursor'), (error) => isLibpodError(error, 'invalid-argument'))
  }),
  logCase('forgets its oldest part, and begins at what is kept', async (log) => {
    const first = await log.append(draftOf('first'))
    let last = first
    for (let batch = 0; batch < 20; batch++)
      last = (await Promise.all(Array.from({ length: 200 }, (_, at) => log.append(draftOf(String(batch * 200 + at)))))).at(-1) ?? last
    const kept = (await readAll(log)).map((event) => Number((event as ContainerEvent).name))
    assert.ok(kept.length > 0 && kept.length <= 2000, `${kept.length} events are kept`)
    assert.deepEqual(
      kept,
      Array.from({ length: kept.length }, (_, at) => 4000 - kept.length + at),
    )
    assert.equal((await readAll(log, first.cursor)).length, kept.length)
    assert.deepEqual(await readAll(log, last.cursor), [])
  }),
  logCase('refuses what comes after the close', async (log) => {
    await log.append(draftOf('a'))
    await log.close()
    await assert.rejects(log.append(draftOf('b')), (error) => isLibpodError(error, 'closed'))
    await assert.rejects(readAll(log), (error) => isLibpodError(error, 'closed'))
    await assert.rejects(log.end(), (error) => isLibpodError(error, 'closed'))
  }),
  logCase(
    'events of several processes interleave, each whole, none lost to a follower',
    async (log, { appendElsewhere, report }) => {
      let cursor = await log.end()
      const begin = performance.now()
      // Each round is what the log keeps at least: a follower that gets no processor for a while must find all of it still.
      for (let round = 0; round < 8; round++) {
        const seen = new Map<string, number>()
        let more = true
        const writing = appendElsewhere(4, 60).finally(() => {
          more = false
        })
        for (let last = false; !last; ) {
          last = !more
          for await (const event of log.read({ after: cursor })) {
            cursor = event.cursor
            const [process = '', number] = (event as ContainerEvent).name.split('/')
            assert.equal(Number(number), (seen.get(process) ?? -1) + 1, `an event of process ${process} was lost or came twice`)
            seen.set(process, Number(number))
          }
          await new Promise((resolve) => setTimeout(resolve, 1))
        }
        await writing
        assert.deepEqual([...seen.values()], [59, 59, 59, 59])
      }
      report(`4 processes appended 60 events each, 8 times, in ${Math.round(performance.now() - begin)} ms, starts included`)
    },
    'shared',
  ),
]
