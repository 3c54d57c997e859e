import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { absentSeccompProfile, seccompProfiles } from './seccomp-profile.ts'
import { refusal } from './spec/spec.fixture.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'libpod-ts-seccomp-'))
})
afterAll(() => rm(folder, { recursive: true }))

const target = { arch: 'amd64', kernel: '6.1.0-18-amd64' }
let count = 0
async function profile(content: unknown, changes: Partial<typeof target> = {}) {
  const path = join(folder, `${count++}.json`)
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return seccompProfiles({ ...target, ...changes }).load(path)
}
const names = async (conditions: object, capabilities: string[] = [], changes: Partial<typeof target> = {}) => {
  const content = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['a'], action: 'SCMP_ACT_ALLOW', ...conditions }] }
  return (await profile(content, changes)).resolve(capabilities).syscalls?.length === 1
}

test('reads the system’s profile, and resolves it for this machine', async () => {
  const system = await seccompProfiles(target).load()
  const seccomp = system.resolve(['CAP_SYS_CHROOT'])
  expect(seccomp.architectures).toEqual(['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'])
  const rule = (name: string) => seccomp.syscalls?.filter(({ names: all }) => all.includes(name)).map(({ action }) => action)
  expect([rule('read'), rule('chroot'), rule('acct')]).toEqual([['SCMP_ACT_ALLOW'], ['SCMP_ACT_ALLOW'], ['SCMP_ACT_ERRNO']])
  expect(JSON.stringify(seccomp)).not.toMatch(/includes|excludes|comment/)
})

test('gives the same filter for the same capabilities', async () => {
  const one = await seccompProfiles(target).load()
  expect(one.resolve(['CAP_A'])).toBe(one.resolve(['CAP_A']))
  expect(one.resolve(['CAP_SYS_ADMIN'])).not.toEqual(one.resolve([]))
})

test('rules for some capabilities, architectures and kernels only', async () => {
  expect(await names({ includes: { caps: ['X', 'Y'] } }, ['X'])).toBe(false)
  expect(await names({ includes: { caps: ['X', 'Y'] } }, ['X', 'Y'])).toBe(true)
  expect(await names({ excludes: { caps: ['X', 'Y'] } }, ['X'])).toBe(false)
  expect(await names({ excludes: { caps: ['X', 'Y'] } }, [])).toBe(true)
  expect(await names({ includes: { arches: ['amd64'] } })).toBe(true)
  expect(await names({ includes: { arches: ['arm64'] } })).toBe(false)
  expect(await names({ excludes: { arches: ['amd64'] } })).toBe(false)
  expect(await names({ includes: { arches: ['x86'] } }, [], { arch: '386' })).toBe(true)
  expect(await names({ includes: { minKernel: '4.8' } })).toBe(true)
  expect(await names({ includes: { minKernel: '6.2' } })).toBe(false)
  expect(await names({ excludes: { minKernel: '6.1' } })).toBe(false)
  expect(await names({ includes: {}, excludes: null })).toBe(true)
})

test('takes over errno, arguments, flags and listener; leaves out what is empty', async () => {
  const content = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    architectures: ['SCMP_ARCH_X86_64'],
    flags: ['SECCOMP_FILTER_FLAG_LOG'],
    listenerPath: '/l',
    syscalls: [
      { name: 'a', action: 'SCMP_ACT_ALLOW', errnoRet: 1, args: [{ index: 0, value: 4294967295, valueTwo: 0, op: 'SCMP_CMP_EQ' }] },
      { names: ['b'], action: 'SCMP_ACT_LOG', args: [] },
    ],
  }
  expect((await profile(content)).resolve([])).toEqual({
    ...content,
    syscalls: [
      { names: ['a'], action: 'SCMP_ACT_ALLOW', errnoRet: 1, args: [{ index: 0, value: 4294967295, op: 'SCMP_CMP_EQ' }] },
      { names: ['b'], action: 'SCMP_ACT_LOG' },
    ],
  })
})

test('an architecture that is not in the map is left to libseccomp', async () => {
  const content = { defaultAction: 'SCMP_ACT_ERRNO', archMap: [{ architecture: 'SCMP_ARCH_X86_64' }] }
  expect((await profile(content, { arch: 'riscv64' })).resolve([])).toEqual({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [] })
})

test('reads a file again only when it has changed', async () => {
  const path = join(folder, 'changing.json')
  const profiles = seccompProfiles(target)
  await writeFile(path, JSON.stringify({ defaultAction: 'SCMP_ACT_KILL' }))
  const first = await profiles.load(path)
  expect(await profiles.load(path)).toBe(first)
  await writeFile(path, JSON.stringify({ defaultAction: 'SCMP_ACT_LOG' }))
  expect((await profiles.load(path)).resolve([]).defaultAction).toBe('SCMP_ACT_LOG')
})

test.each([
  ['not JSON', '{'],
  ['no default action', {}],
  [
    'a number that is not exact',
    '{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["a"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":18446744073709551615,"op":"SCMP_CMP_EQ"}]}]}',
  ],
])('refuses a file with %s', async (_, content) => {
  expect(await refusal(profile(content))).toMatchObject({ code: 'invalid-argument' })
})

test.each([
  ['name and names', { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ name: 'a', names: ['b'], action: 'SCMP_ACT_ALLOW' }] }],
  ['architectures and archMap', { defaultAction: 'SCMP_ACT_ERRNO', architectures: ['X'], archMap: [{ architecture: 'X' }] }],
])('refuses a file with both %s', async (_, content) => {
  const loaded = await profile(content)
  expect(await refusal(() => loaded.resolve([]))).toMatchObject({ code: 'invalid-argument' })
})

test('a profile that is not there refuses, and is never no filter', async () => {
  expect(await refusal(seccompProfiles(target).load('/none.json'))).toMatchObject({ code: 'invalid-argument', path: 'security.seccomp' })
  const absent = absentSeccompProfile(new Error('none'))
  expect(() => absent.resolve([])).toThrow('none')
})

test('what cannot be read is refused at the option that names it, and not waited for', async () => {
  const fifo = join(folder, 'fifo')
  execFileSync('mkfifo', [fifo])
  for (const path of [fifo, folder, '/dev/zero', `/${'x'.repeat(300)}`]) {
    expect(await refusal(seccompProfiles(target).load(path))).toMatchObject({ code: 'invalid-argument', path: 'security.seccomp' })
    expect(await refusal(seccompProfiles(target, path).load())).toMatchObject({ code: 'invalid-argument', path: 'oci.seccompProfile' })
  }
})
