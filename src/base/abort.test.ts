import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { abortable, onAbort } from './abort.ts'
import { sleep } from './time.ts'

it('any number of verbs may have one signal, without a warning', async () => {
  const warnings: Error[] = []
  const note = (warning: Error): void => void warnings.push(warning)
  process.on('warning', note)
  const { signal } = new AbortController()
  const releases = Array.from({ length: 20 }, () => onAbort(signal, () => {}))
  await Promise.all(Array.from({ length: 20 }, () => abortable(sleep(1, { signal }), signal)))
  for (const release of releases) release()
  await turn()
  process.off('warning', note)
  expect(warnings).toEqual([])
})
