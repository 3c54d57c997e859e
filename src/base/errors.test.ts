import { expect, it } from 'vitest'
import { isLibpodError, LibpodError } from './errors.ts'

it('the code of an error tells the type of its details', () => {
  const error: unknown = new LibpodError('conflict', 'It is taken.', { what: 'it' })
  if (!isLibpodError(error)) throw error
  // Both ways to ask compile.
  expect(error.code === 'conflict' && error.details.what).toBe('it')
  expect(isLibpodError(error, 'conflict') && error.details.what).toBe('it')
  expect(isLibpodError(error, 'not-found')).toBe(false)
})
