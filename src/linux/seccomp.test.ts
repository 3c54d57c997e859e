import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seccompBpf } from './seccomp.ts'
import type { SeccompProfile, SeccompSyscalls } from './seccomp-profile.ts'
import { actionOf, comparisonsOf } from './seccomp-values.ts'

const directory = mkdtempSync(join(tmpdir(), 'libpod-ts-seccomp-'))
const cacheDir = join(directory, 'cache')
const bundle = join(directory, 'bundle')
let profile: SeccompProfile

beforeAll(() => {
  mkdirSync(join(bundle, 'rootfs/bin'), { recursive: true })
  for (const name of ['proc', 'dev']) mkdirSync(join(bundle, 'rootfs', name))
  execFileSync('cp', ['/bin/busybox', join(bundle, 'rootfs/bin/busybox')])
  profile = distributionProfile()
})

afterAll(() => rmSync(directory, { recursive: true }))

/** The distribution's profile, resolved roughly: no capabilities, this architecture. */
function distributionProfile(): SeccompProfile {
  interface Entry extends SeccompSyscalls {
    readonly includes?: { readonly caps?: readonly string[]; readonly arches?: readonly string[] }
    readonly excludes?: { readonly caps?: readonly string[]; readonly arches?: readonly string[] }
  }
  const file = JSON.parse(readFileSync('/usr/share/containers/seccomp.json', 'utf8')) as {
    readonly defaultAction: string
    readonly defaultErrnoRet?: number
    readonly syscalls: readonly Entry[]
  }
  return {
    defaultAction: file.defaultAction,
    defaultErrnoRet: file.defaultErrnoRet,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    syscalls: file.syscalls
      .filter(({ includes }) => !includes?.caps?.length && (!includes?.arches?.length || includes.arches.includes('amd64')))
      .map(({ names, action, errnoRet, args }) => ({
        names: [...names, 'a_call_of_kernels_to_come'],
        action,
        ...(errnoRet === undefined ? {} : { errnoRet }),
        ...(args ? { args } : {}),
      })),
  }
}

/** Runs a command with crun, where the unified tree is out of the way: crun refuses hybrid hosts. */
function crun(command: readonly string[], seccomp: SeccompProfile, annotations: Readonly<Record<string, string>>, verb: string) {
  const root = mkdtempSync(join(directory, 'crun-'))
  const caps = ['CAP_SYS_ADMIN']
  const spec = {
    ociVersion: '1.0.2',
    root: { path: 'rootfs' },
    process: {
      user: { uid: 0, gid: 0 },
      args: ['/bin/busybox', ...command],
      env: ['PATH=/bin'],
      cwd: '/',
      noNewPrivileges: true,
      capabilities: { bounding: caps, effective: caps, permitted: caps },
    },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    annotations,
    linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }, { type: 'uts' }], seccomp },
  }
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec))
  const script = `umount /sys/fs/cgroup/unified 2>/dev/null; cd ${bundle}; ROOT=${root}; R="crun --root $ROOT --cgroup-manager=disabled"; ${verb}`
  const result = spawnSync('unshare', ['-m', 'sh', '-c', script])
  return { stdout: result.stdout, stderr: result.stderr.toString() }
}

test('compiles to the very bytes that crun makes of the same profile', async () => {
  const ours = await seccompBpf({ profile, cacheDir })
  const keep = '$R create same </dev/null >/dev/null && cat $ROOT/same/seccomp.bpf; $R delete -f same'
  const { stdout, stderr } = crun(['true'], profile, {}, keep)
  expect(stderr).toMatch(/^([^\n]*a_call_of_kernels_to_come[^\n]*\n)*$/)
  expect(stdout.length).toBeGreaterThan(1000)
  expect(ours?.equals(stdout)).toBe(true)
})

test('a container that is given the bytes is held by them', async () => {
  const bpf = await seccompBpf({ profile, cacheDir })
  // The profile beside it would allow everything, so what is refused is refused by the bytes.
  const open: SeccompProfile = { defaultAction: 'SCMP_ACT_ALLOW' }
  const command = ['sh', '-c', 'busybox grep Seccomp: /proc/self/status; busybox hostname inner 2>&1']
  const held = crun(command, open, { 'run.oci.seccomp_bpf_data': String(bpf?.toString('base64')) }, '$R run held')
  expect(held.stderr).toBe('')
  expect(held.stdout.toString()).toMatch(/^Seccomp:\t2\nhostname: .*not permitted/)
  expect(crun(command, open, {}, '$R run open').stdout.toString()).toBe('Seccomp:\t2\n')
})

test('the second time it comes from the cache, and a damaged cache is made anew', async () => {
  const first = await seccompBpf({ profile, cacheDir })
  const [name = ''] = readdirSync(cacheDir)
  expect(readdirSync(cacheDir)).toEqual([name])
  writeFileSync(join(cacheDir, name), 'cut off')
  expect(await seccompBpf({ profile, cacheDir })).toEqual(first)
  const marked = Buffer.alloc(16, 1)
  writeFileSync(join(cacheDir, name), marked)
  expect(await seccompBpf({ profile, cacheDir })).toEqual(marked)
  const other = await seccompBpf({ profile: { ...profile, syscalls: [] }, cacheDir })
  expect(other).not.toEqual(first)
  expect(readdirSync(cacheDir)).toHaveLength(2)
})

test('many at once make the same', async () => {
  const fresh = join(directory, 'fresh')
  const all = await Promise.all(Array.from({ length: 4 }, () => seccompBpf({ profile, cacheDir: fresh })))
  for (const one of all) expect(one).toEqual(all[0])
  expect(readdirSync(fresh)).toHaveLength(1)
})

test('what is no profile is refused, and says where', async () => {
  const compile = (changes: Partial<SeccompProfile>) => seccompBpf({ profile: { defaultAction: 'SCMP_ACT_ALLOW', ...changes }, cacheDir })
  const rule = (changes: Partial<SeccompSyscalls>) => ({ syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO', ...changes }] })
  const cases: readonly (readonly [Partial<SeccompProfile>, string])[] = [
    [{ defaultAction: 'ALLOW' }, 'defaultAction'],
    [{ defaultErrnoRet: 1 }, 'defaultAction'],
    [{ architectures: ['SCMP_ARCH_PDP11'] }, 'architectures[0]'],
    [rule({ action: 'SCMP_ACT_WISH' }), 'syscalls[0].action'],
    [rule({ args: [{ index: 6, value: 0, op: 'SCMP_CMP_EQ' }] }), 'syscalls[0].args[0].index'],
    [rule({ args: [{ index: 0, value: 0, op: 'EQ' }] }), 'syscalls[0].args[0].op'],
  ]
  for (const [changes, path] of cases) await expect(compile(changes)).rejects.toMatchObject({ code: 'invalid-argument', details: { path } })
})

test('actions and comparisons are those of libseccomp', () => {
  expect(actionOf('SCMP_ACT_ERRNO', undefined, '')).toBe(0x00050001)
  expect(actionOf('SCMP_ACT_ERRNO', 38, '')).toBe(0x00050026)
  expect(actionOf('SCMP_ACT_KILL_PROCESS', undefined, '')).toBe(0x80000000)
  const argument = (index: number) => ({ index, value: 2 ** 40, valueTwo: 5, op: 'SCMP_CMP_MASKED_EQ' })
  expect(comparisonsOf([], '')).toEqual([Buffer.alloc(0)])
  expect(comparisonsOf([argument(0), argument(1)], '')).toHaveLength(1)
  expect(comparisonsOf([argument(2), argument(2)], '')).toHaveLength(2)
  expect(comparisonsOf([argument(3)], '')[0]?.toString('hex')).toBe('030000000700000000000000000100000500000000000000')
})
