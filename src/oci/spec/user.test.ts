import { expect, test } from 'vitest'
import { generated, normalized, refusal, someAccounts, someHost } from './spec.fixture.ts'
import type { SpecOptions } from './spec-options.ts'
import { resolveUser } from './user.ts'

const resolve = (user: string, groups: string[] = [], accounts = someAccounts) => resolveUser({ user, groups }, accounts)

test.each([
  ['', { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' }],
  ['root', { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' }],
  ['0', { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' }],
  ['app', { uid: 1000, gid: 1001, additionalGids: [1001, 10, 2000], home: '/home/app' }],
  ['1000', { uid: 1000, gid: 1001, additionalGids: [1001, 10, 2000], home: '/home/app' }],
  ['app:wheel', { uid: 1000, gid: 10, additionalGids: [10], home: '/home/app' }],
  ['app:99', { uid: 1000, gid: 99, additionalGids: [99], home: '/home/app' }],
  ['4242', { uid: 4242, gid: 0, additionalGids: [0], home: '/' }],
  ['4242:4343', { uid: 4242, gid: 4343, additionalGids: [4343], home: '/' }],
  ['nohome', { uid: 1002, gid: 1002, additionalGids: [1002], home: '/' }],
  ['7', { uid: 1007, gid: 1007, additionalGids: [1007], home: '/seven' }],
])('resolves %j', (user, expected) => {
  expect(resolve(user)).toEqual(expected)
})

test('adds groups by name and number, once each', () => {
  expect(resolve('app', ['extra', '77', '10']).additionalGids).toEqual([1001, 2000, 77, 10])
})

test('works without any accounts', () => {
  const none = { passwd: '', group: '' }
  expect(resolve('', [], none)).toEqual({ uid: 0, gid: 0, additionalGids: [], home: '/' })
  expect(resolve('12:13', ['14'], none)).toEqual({ uid: 12, gid: 13, additionalGids: [13, 14], home: '/' })
})

test('passes over lines that are not what they should be', () => {
  const accounts = { passwd: '# root:x:5:5::/:\n\nbroken\napp:x:notanumber:1::/:\napp:x:9:9::/nine:\r\n', group: 'g\ng:x:-1:\n' }
  expect(resolve('app', [], accounts)).toMatchObject({ uid: 9, gid: 9 })
})

test.each([
  ['nobody', [], 'user'],
  ['app:nogroup', [], 'user'],
  ['4294967296', [], 'user'],
  ['app', ['10', 'nogroup'], 'groups[1]'],
])('refuses %j %j', async (user, groups, path) => {
  expect(await refusal(() => resolve(user, groups))).toMatchObject({ code: 'invalid-argument', path })
})

test.each([
  ['user', { user: 'a:b:c' }],
  ['user', { user: 'a\nb' }],
  ['groups[0]', { groups: [''] }],
])('refuses a bad value at %s', async (path, options) => {
  expect(await refusal(normalized(options))).toMatchObject({ code: 'invalid-argument', path })
})

test('the image’s user holds unless the caller names another', async () => {
  expect((await normalized({}, someHost(), { user: 'app' })).user).toBe('app')
  expect((await normalized({ user: 'root' }, someHost(), { user: 'app' })).user).toBe('root')
})

test.each<[string, SpecOptions, string]>([
  ['a user', { user: '70000:5' }, 'user'],
  ['a group', { user: '5:70000' }, 'user'],
  ['a further group', { user: 'app', groups: ['65537'] }, 'groups'],
])('without root, %s beyond the ids that its containers have is refused', async (_, options, path) => {
  const host = someHost({ rootless: true, ids: { uids: 65_537, gids: 65_537 } })
  expect((await generated({ user: '65536:65536' }, host)).config.process?.user).toMatchObject({ uid: 65_536, gid: 65_536 })
  await expect(generated(options, host)).rejects.toMatchObject({
    code: 'invalid-argument',
    details: { path },
    message: expect.stringContaining('up to 65536'),
    hint: expect.stringContaining('/etc/sub'),
  })
})

test('writes user, home and umask', async () => {
  const { config } = await generated({ user: 'app' })
  expect(config.process?.user).toEqual({ uid: 1000, gid: 1001, umask: 0o022, additionalGids: [1001, 10, 2000] })
  expect(config.process?.env).toContain('HOME=/home/app')
})
