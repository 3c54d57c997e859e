import { expect, test } from 'vitest'
import { Background } from './background.ts'

test('waits for what is under way, also for what begins meanwhile, and tells failures', async () => {
  const background = new Background()
  const done: string[] = []
  const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  background.run(
    async () => {
      await tick()
      background.run(
        async () => {
          await tick()
          done.push('second')
        },
        () => {},
      )
      done.push('first')
      throw new Error('refused')
    },
    (error) => done.push(String(error)),
  )
  await background.settled()
  expect(done).toEqual(['first', 'Error: refused', 'second'])
  await background.settled()
})

test('what is for later waits, unless somebody waits for all', async () => {
  const background = new Background()
  const done: string[] = []
  const note = (what: string) => async (): Promise<void> => void done.push(what)
  const fail = (error: unknown): void => void done.push(String(error))
  background.run(note('later'), fail, { afterMs: 60_000 })
  background.run(note('soon'), fail, { afterMs: 1 })
  background.run(note('now'), fail)
  await expect.poll(() => done).toEqual(['now', 'soon'])
  await background.settled()
  expect(done).toEqual(['now', 'soon', 'later'])
})
