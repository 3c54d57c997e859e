import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { killSession } from './kill-session.ts'
import { readProcessStat } from './proc.ts'

test('takes all of a session, and nobody else', async () => {
  const script = 'sleep 300 & sleep 300 & echo $! ready; wait'
  const [one, other] = [1, 2].map(() => spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] }))
  if (one?.pid === undefined || other?.pid === undefined) throw new Error('There is no shell.')
  const [child, spared] = (await Promise.all([one, other].map(({ stdout }) => once(stdout, 'data')))).map(([text]) =>
    Number.parseInt(String(text), 10),
  )
  const ends = [one, other].map((process) => once(process, 'exit'))
  await killSession(one.pid)
  await ends[0]
  expect((await readProcessStat(child ?? 0))?.state ?? 'gone').toMatch(/^(Z|X|gone)$/)
  expect((await readProcessStat(spared ?? 0))?.session).toBe(other.pid)
  await killSession(other.pid)
  await ends[1]
})
