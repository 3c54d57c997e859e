import { expect, it } from 'vitest'
import { Closer } from './closer.ts'

it('does what was added in reverse, also what is added meanwhile, and at once what comes after', async () => {
  const closer = new Closer('thing')
  const done: string[] = []
  closer.add(() => void done.push('first'))
  closer.add(async () => {
    closer.add(() => void done.push('meanwhile'))
    done.push('second')
  })
  const forget = closer.add(() => void done.push('taken back'))
  forget()
  await closer.close()
  expect(done).toEqual(['second', 'meanwhile', 'first'])
  closer.add(() => void done.push('late'))
  closer.add(async () => {
    throw new Error('nobody hears of it')
  })
  expect(done.at(-1)).toBe('late')
})

it('does all of it when one fails, and tells of that', async () => {
  const closer = new Closer('thing')
  const done: string[] = []
  closer.add(() => void done.push('last'))
  closer.add(() => Promise.reject(new Error('broken')))
  await expect(closer.close()).rejects.toThrow('broken')
  expect(done).toEqual(['last'])
  expect(() => closer.check()).toThrow(expect.objectContaining({ code: 'closed' }))
})
