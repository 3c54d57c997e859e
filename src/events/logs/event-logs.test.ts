import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compiled } from '../../../test/support/programs.ts'
import type { ContainerEvent } from '../event.ts'
import { draftOf, eventLogCases } from '../event-log.cases.ts'
import type { EventLog } from '../event-log.ts'
import { createFileEventLog } from './file.ts'
import { createMemoryEventLog } from './memory.ts'
import { createNoEventLog } from './none.ts'

/** Small, so that the cases see many rotations. */
const maxSizeBytes = 64_000

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'libpod-ts-events-'))
})

afterEach(() => rm(directory, { recursive: true, force: true }))

async function appendElsewhere(processes: number, events: number): Promise<void> {
  const program = compiled(new URL('./log-peer.ts', import.meta.url))
  const children = Array.from({ length: processes }, (_, at) =>
    spawn(process.execPath, [program, directory, String(maxSizeBytes), String(at), String(events)], {
      stdio: 'inherit',
    }),
  )
  for (const [code] of await Promise.all(children.map((child) => once(child, 'exit')))) expect(code).toBe(0)
}

function testEventLog(name: string, traits: { readonly keeps: boolean; readonly shared: boolean }, open: () => EventLog): void {
  describe(name, () => {
    for (const { name: title, requires, run } of eventLogCases) {
      if (requires !== undefined && !traits[requires]) continue
      it(title, () => run({ ...traits, open: async () => open(), appendElsewhere, report: (text) => console.info(`${name}: ${text}`) }))
    }
  })
}

testEventLog('file event log', { keeps: true, shared: true }, () => createFileEventLog({ directory, maxSizeBytes }))
testEventLog('memory event log', { keeps: true, shared: false }, () => createMemoryEventLog({ maxEvents: 2000 }))
testEventLog('no event log', { keeps: false, shared: false }, createNoEventLog)

async function names(log: EventLog, after?: string): Promise<string[]> {
  const found: string[] = []
  for await (const event of log.read({ after })) found.push((event as ContainerEvent).name)
  return found
}

describe('file event log on disk', () => {
  it('passes over the line of a killed writer', async () => {
    const log = createFileEventLog({ directory })
    const first = await log.append(draftOf('a'))
    await appendFile(join(directory, 'events-00000001.jsonl'), '{"type":"container","name":"to')
    expect(await names(log)).toEqual(['a'])
    const second = await log.append(draftOf('b'))
    await appendFile(join(directory, 'events-00000001.jsonl'), 'no event\n{"type":"container"}\n\n')
    await log.append(draftOf('c'))
    expect(await names(log)).toEqual(['a', 'b', 'c'])
    expect(await names(log, first.cursor)).toEqual(['b', 'c'])
    expect(await names(log, second.cursor)).toEqual(['c'])
    await log.close()
  })

  it('keeps two segments, private to their owner', async () => {
    const log = createFileEventLog({ directory: join(directory, 'deep', 'er'), maxSizeBytes: 1000 })
    for (let at = 0; at < 50; at++) await log.append(draftOf(String(at)))
    const segments = (await readdir(join(directory, 'deep', 'er'))).sort()
    expect(segments).toHaveLength(2)
    for (const segment of segments) expect((await stat(join(directory, 'deep', 'er', segment))).mode & 0o777).toBe(0o600)
    await log.close()
  })

  it('writes events of one moment with one write, in order', async () => {
    const log = createFileEventLog({ directory })
    await Promise.all(Array.from({ length: 100 }, (_, at) => log.append(draftOf(String(at)))))
    expect(await names(log)).toEqual(Array.from({ length: 100 }, (_, at) => String(at)))
    expect((await readFile(join(directory, 'events-00000001.jsonl'), 'utf8')).split('\n')).toHaveLength(101)
    await log.close()
  })

  it('goes on in a new folder when its own was cleared away', async () => {
    const log = createFileEventLog({ directory: join(directory, 'log') })
    await log.append(draftOf('a'))
    await rm(join(directory, 'log'), { recursive: true })
    await log.append(draftOf('b'))
    expect(await names(log)).toEqual(['b'])
    await log.close()
  })
})
