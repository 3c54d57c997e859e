import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Closer } from '../base/closer.ts'
import { silentLogger } from '../base/logger.ts'
import type { EngineEvent } from '../events/event.ts'
import { openEvents } from './open-events.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'libpod-ts-open-events-'))
})
afterEach(() => rm(folder, { recursive: true }))

it('a log that takes nothing undoes nothing: the logger is told, and who listens here', async () => {
  // Nothing can be written below it.
  await writeFile(join(folder, 'events'), '')
  const errors: string[] = []
  const heard: EngineEvent[] = []
  const closer = new Closer('runtime')
  const logger = { ...silentLogger, error: (message: string) => void errors.push(message) }
  const events = await openEvents({ root: folder, runRoot: folder, logger, closer })
  events.bus.on('volume', (event) => heard.push(event))
  await events.emit({ type: 'volume', action: 'create', id: 'data', name: 'data', attributes: {} })
  expect(heard).toMatchObject([{ type: 'volume', action: 'create', name: 'data', time: expect.stringMatching(/Z$/) }])
  expect(errors).toEqual([expect.stringMatching(/^The event volume create of data is missing in the log: /)])
  await closer.close()
  await expect(events.emit({ type: 'volume', action: 'remove', id: 'data', name: 'data', attributes: {} })).rejects.toMatchObject({
    code: 'closed',
  })
})
