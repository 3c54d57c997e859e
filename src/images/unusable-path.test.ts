import { expect, it } from 'vitest'
import { systemError } from '../linux/errno.ts'
import { unusablePath } from './unusable-path.ts'

const given = { option: 'source', path: '/x', verb: 'read', hint: 'Give another.' } as const
const [EACCES, EMFILE, ENAMETOOLONG, ENOSPC, ELOOP] = [13, 24, 36, 28, 40]

it.each([
  [ELOOP, { code: 'invalid-argument', details: { path: 'source', value: '/x' }, hint: 'Give another.' }],
  [ENAMETOOLONG, { code: 'invalid-argument', details: { path: 'source', value: '/x' } }],
  [EMFILE, { code: 'unavailable', details: { what: '/x' }, hint: expect.stringContaining('ulimit') }],
  [ENOSPC, { code: 'no-space', details: { path: '/x' } }],
  [EACCES, { code: 'permission-denied', details: { what: '/x' } }],
])('error number %i is told as what it is', (errno, told) => {
  const cause = systemError(errno, 'open', '/x')
  expect(unusablePath(cause, given)).toMatchObject({ ...told, cause })
})

it('what is no failure of the system stays as it is', () => {
  const mine = new Error('mine')
  expect(unusablePath(mine, given)).toBe(mine)
})
