import { expect, test } from 'vitest'
import { matchGlob } from './glob.ts'
import { generated, normalized, refusal, someHost } from './spec.fixture.ts'

const linuxOf = async (options: object, host = someHost()) => (await generated(options, host)).config.linux

test('hides what tells of the host, and protects what changes it', async () => {
  const linux = await linuxOf({})
  expect(linux?.maskedPaths).toContain('/proc/kcore')
  expect(linux?.readonlyPaths).toContain('/proc/sys')
})

test('unmasks by path, by pattern and altogether', async () => {
  const some = await linuxOf({ security: { unmask: ['/proc/acpi:/sys/*', '/proc/sys'], mask: ['/proc/a', '/b:/c'] } })
  expect(some?.maskedPaths).not.toContain('/proc/acpi')
  expect(some?.maskedPaths).not.toContain('/sys/firmware')
  expect(some?.maskedPaths).toContain('/sys/fs/selinux')
  expect(some?.maskedPaths?.slice(-3)).toEqual(['/proc/a', '/b', '/c'])
  expect(some?.readonlyPaths).not.toContain('/proc/sys')
  const all = await linuxOf({ security: { unmask: ['all'] } })
  expect(all).not.toHaveProperty('maskedPaths')
  expect(all).not.toHaveProperty('readonlyPaths')
})

test('privileged hides nothing but what the caller names', async () => {
  const linux = await linuxOf({ privileged: true, security: { mask: ['/secret'] } })
  expect(linux?.maskedPaths).toEqual(['/secret'])
  expect(linux).not.toHaveProperty('readonlyPaths')
})

test('the seccomp filter goes only when asked for', async () => {
  expect(await linuxOf({})).toHaveProperty('seccomp')
  expect(await linuxOf({ security: { seccomp: 'unconfined' } })).not.toHaveProperty('seccomp')
  expect(await linuxOf({ privileged: true })).not.toHaveProperty('seccomp')
  const profile = { path: '/p.json', resolve: () => ({ defaultAction: 'SCMP_ACT_LOG' }) }
  const { config } = await generated({ privileged: true, security: { seccomp: '/p.json' } }, someHost(), { seccompProfile: profile })
  expect(config.linux?.seccomp).toEqual({ defaultAction: 'SCMP_ACT_LOG' })
})

test('a profile that was not loaded is never left out silently', async () => {
  expect(await refusal(generated({ security: { seccomp: '/p.json' } }))).toMatchObject({ code: 'internal' })
})

test('AppArmor: the caller’s profile, the configured one, the default one, none', async () => {
  const of = async (options: object, host: Parameters<typeof someHost>[0]) =>
    (await generated(options, someHost(host))).config.process?.apparmorProfile
  const apparmor = { defaultProfile: 'containers-default-1' }
  expect(await of({}, { apparmor })).toBe('containers-default-1')
  expect(await of({}, { apparmor: {} })).toBeUndefined()
  expect(await of({}, { apparmor, defaults: { ...someHost().defaults, apparmorProfile: 'conf' } })).toBe('conf')
  expect(await of({ security: { apparmor: 'mine' } }, { apparmor })).toBe('mine')
  expect(await of({ security: { apparmor: 'unconfined' } }, { apparmor })).toBe('unconfined')
  expect(await of({ privileged: true }, { apparmor })).toBeUndefined()
  expect(await of({ security: { apparmor: 'unconfined' } }, {})).toBeUndefined()
  expect(await refusal(of({ security: { apparmor: 'mine' } }, {}))).toMatchObject({ code: 'unsupported' })
})

test('SELinux labels where SELinux is enabled', async () => {
  const security = { selinux: { processLabel: 'u:r:t:s0', mountLabel: 'u:o:f:s0' } }
  const { config } = await generated({ security }, someHost({ selinux: true }))
  expect([config.process?.selinuxLabel, config.linux?.mountLabel]).toEqual(['u:r:t:s0', 'u:o:f:s0'])
  expect(await refusal(generated({ security }))).toMatchObject({ code: 'unsupported' })
})

test('noNewPrivileges', async () => {
  expect((await generated({ security: { noNewPrivileges: true } })).config.process?.noNewPrivileges).toBe(true)
  expect((await generated({})).config.process).not.toHaveProperty('noNewPrivileges')
})

test.each([
  ['security.seccomp', { seccomp: 'relative.json' }],
  ['security.mask[0]', { mask: ['relative'] }],
  ['security.unmask[0]', { unmask: ['some'] }],
  ['security.label', { label: 'x' }],
  ['security.apparmor', { apparmor: '' }],
])('refuses a bad value at %s', async (path, security) => {
  expect(await refusal(normalized({ security } as never))).toMatchObject({ code: 'invalid-argument', path })
})

test.each([
  ['/proc/*', '/proc/acpi', true],
  ['/proc/*', '/proc/fs/x', false],
  ['/proc/a???', '/proc/acpi', true],
  ['/proc/[a-c]cpi', '/proc/acpi', true],
  ['/proc/[^a]cpi', '/proc/acpi', false],
  ['/proc/a.*', '/proc/acpi', false],
  ['/proc[/]acpi', '/proc/acpi', false],
  ['/proc/[', '/proc/[', false],
  ['/proc/\\*', '/proc/*', true],
  ['/proc/[z-a]', '/proc/a', false],
])('glob %s on %s is %s', (pattern, path, matches) => {
  expect(matchGlob(pattern, path)).toBe(matches)
})
