import { expect, it } from 'vitest'
import { Ephemerals } from './ephemerals.ts'

it('ends what is there, what comes meanwhile, and at once what comes too late', async () => {
  const ephemerals = new Ephemerals()
  const ended: string[] = []
  ephemerals.add(async () => {
    ephemerals.add(async () => void ended.push('meanwhile'))
    ended.push('first')
  })
  const forget = ephemerals.add(async () => void ended.push('taken back'))
  forget()
  await ephemerals.endAll()
  expect(ended).toEqual(['first', 'meanwhile'])
  ephemerals.add(async () => void ended.push('late'))
  expect(ended).toEqual(['first', 'meanwhile', 'late'])
})
