import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CgroupHost, describeCgroups } from '../../linux/cgroups/detect.ts'
import { detectRuntimes } from './detect.ts'
import { isAtLeast } from './version.ts'

const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }
const v1 = { version: 1, controllers: ['memory'], mountPoint: '/sys/fs/cgroup/memory', root: '/', own: '/', writable: true } as const
const v2 = { version: 2, controllers: [], mountPoint: '/sys/fs/cgroup/unified', root: '/', own: '/', writable: true } as const
const pure: CgroupHost = describeCgroups([{ ...v2, controllers: ['memory'], mountPoint: '/sys/fs/cgroup' }])
const hybrid: CgroupHost = describeCgroups([v1, { ...v2, controllers: ['hugetlb'] }])
let runRoot: string

beforeEach(async () => {
  runRoot = await mkdtemp(join(tmpdir(), 'libpod-detect-'))
})
afterEach(() => rm(runRoot, { recursive: true }))

describe('detectRuntimes', () => {
  it('prefers crun where cgroups allow it', async () => {
    const found = await detectRuntimes({ runRoot, env, cgroups: pure })
    expect(found.all.map(({ name }) => name)).toEqual(['crun', 'runc'])
    expect(found.runtime.features).toMatchObject({ seccompBpf: true, execConsoleSocket: true })
    expect(found.runtime.command().args).toEqual(['--root', join(runRoot, 'crun')])
    expect(found.passedOver).toEqual([])
    found.close()
  })

  it('passes crun over, with the reason, on a hybrid tree with controllers on v2', async () => {
    const found = await detectRuntimes({ runRoot, env, cgroups: hybrid })
    expect(found.runtime.name).toBe('runc')
    expect(found.passedOver).toEqual([{ name: 'crun', reason: expect.stringContaining('hugetlb') }])
    expect(found.runtime.features).toMatchObject({ seccompBpf: false, execConsoleSocket: false })
    await expect(detectRuntimes({ runRoot, env, cgroups: hybrid, preferred: 'crun' })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('hybrid'),
    })
    const withoutControllers = await detectRuntimes({ runRoot, env, cgroups: describeCgroups([v1, v2]) })
    expect(withoutControllers.runtime.name).toBe('crun')
    withoutControllers.close()
  })

  it('puts the preferred one first, by name or path', async () => {
    const byName = await detectRuntimes({ runRoot, env, cgroups: pure, preferred: 'runc' })
    expect(byName.all.map(({ name }) => name)).toEqual(['runc', 'crun'])
    const byPath = await detectRuntimes({ runRoot, env, cgroups: pure, preferred: byName.runtime.path })
    expect(byPath.runtime.path).toBe(byName.runtime.path)
    byName.close()
    byPath.close()
  })

  it('says how to install what is missing', async () => {
    const nowhere = detectRuntimes({ runRoot, env, cgroups: pure, searchPath: [] })
    await expect(nowhere).rejects.toMatchObject({ code: 'unavailable', hint: expect.stringContaining('install') })
    await expect(detectRuntimes({ runRoot, env, cgroups: pure, preferred: 'youki' })).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('passes over what is no program, with the reason where it looks like one', async () => {
    const text = join(runRoot, 'text')
    await writeFile(text, 'neither a script nor a program\n', { mode: 0o755 })
    const found = await detectRuntimes({ runRoot, env, cgroups: pure, paths: { crun: [text] } })
    expect(found.all.map(({ name }) => name)).toEqual(['runc'])
    expect(found.passedOver).toEqual([{ name: 'crun', reason: `${text} cannot be run (ENOEXEC)` }])
    const folders = await detectRuntimes({ runRoot, env, cgroups: pure, paths: { crun: ['/tmp', '/nowhere'], runc: ['/tmp'] } })
    expect(folders.all.map(({ name }) => name)).toEqual(['crun', 'runc'])
    expect(folders.all.map(({ path }) => path)).not.toContain('/tmp')
    for (const { close } of [found, folders]) close()
    for (const preferred of [text, '/tmp'])
      await expect(detectRuntimes({ runRoot, env, cgroups: pure, preferred })).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('asks each program once for its version, until it changes', async () => {
    const fake = join(runRoot, 'runc')
    const asked = join(runRoot, 'asked')
    const write = (version: string): Promise<void> =>
      writeFile(fake, `#!/bin/sh\necho x >> ${asked}\necho runc version ${version}\n`, { mode: 0o755 })
    const detect = async (): Promise<string | undefined> => {
      const found = await detectRuntimes({ runRoot, env, cgroups: pure, paths: { runc: [fake] }, preferred: 'runc' })
      found.close()
      return found.runtime.features.version
    }
    await write('1.0.0')
    expect(await detect()).toBe('1.0.0')
    expect(await detect()).toBe('1.0.0')
    await write('1.1.10')
    expect(await detect()).toBe('1.1.10')
    expect(await readFile(asked, 'utf8')).toBe('x\nx\n')
    await writeFile(fake, '#!/bin/sh\necho something else\n', { mode: 0o755 })
    await expect(detect()).rejects.toMatchObject({ code: 'unavailable' })
  })
})

describe('isAtLeast', () => {
  it.each([
    ['1.8.1', [0, 18], true],
    ['0.17', [0, 18], false],
    ['0.18', [0, 18], true],
    ['1', [1, 1], false],
    ['1.1.5+ds1', [1, 1, 5], true],
    ['UNKNOWN', [0, 18], false],
  ])('%s ≥ %j: %s', (version, least, result) => {
    expect(isAtLeast(version, least)).toBe(result)
  })
})
