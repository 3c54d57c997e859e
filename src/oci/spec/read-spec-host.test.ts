import { expect, test } from 'vitest'
import { readConfig } from '../../config/read-config.ts'
import { capabilityNames } from '../../linux/capabilities.ts'
import { detectCgroups } from '../../linux/cgroups/detect.ts'
import { generateSpec } from './generate.ts'
import { prepareSpec } from './prepare.ts'
import { readSpecHost } from './read-spec-host.ts'
import { refusal, someAccounts, someHost, someId } from './spec.fixture.ts'
import { normalizeSpecOptions } from './spec-options.ts'

const config = await readConfig({ root: '/r', runRoot: '/rr' })
const cgroups = await detectCgroups()

test('looks at this host', async () => {
  const host = await readSpecHost({ config, cgroups, systemdCgroup: false })
  expect(host).toMatchObject({ rootless: false, systemdCgroup: false, defaults: config.containers })
  expect(host.cgroupVersion).toBe(cgroups.mode === 'v2' ? 2 : 1)
  expect(capabilityNames).toEqual(expect.arrayContaining([...host.boundingCapabilities]))
  expect(host.openFilesMax).toBeGreaterThan(1000)
  expect(host.seccomp.path).toMatch(/seccomp\.json$/)
})

test.each([
  ['/none.json', 'unavailable'],
  ['/tmp', 'invalid-argument'],
])('with %s as the seccomp profile containers are refused, not the engine', async (seccompProfile, code) => {
  const containers = { ...config.containers, seccompProfile }
  const host = await readSpecHost({ config: { ...config, containers }, cgroups, systemdCgroup: false })
  expect(await refusal(() => host.seccomp.resolve([]))).toMatchObject({ code })
})

test('prepares what a specification needs, and has the filter compiled', async () => {
  const host = await readSpecHost({ config, cgroups, systemdCgroup: false })
  const options = normalizeSpecOptions(
    { command: ['true'], mounts: [{ type: 'bind', source: '/proc', target: '/p' }] },
    { id: someId, host },
  )
  const compiled: unknown[] = []
  const prepared = await prepareSpec({
    options,
    host,
    compileSeccomp: async (seccomp) => {
      compiled.push(seccomp)
      return 'BPF'
    },
  })
  const { config: spec } = generateSpec({
    id: someId,
    name: 'n',
    options,
    rootfs: '/r',
    bundle: '/b',
    accounts: someAccounts,
    host,
    cgroupsPath: '/c',
    ...prepared,
  })
  expect(compiled).toEqual([spec.linux?.seccomp])
  expect(spec.annotations?.['run.oci.seccomp_bpf_data']).toBe('BPF')
  expect(prepared.objects?.bindFlags.has('/proc')).toBe(true)
})

test('compiles nothing for a container without a filter, and loads the profile that one names', async () => {
  const host = someHost()
  const never = async (): Promise<string> => {
    throw new Error('compiled')
  }
  const options = (seccomp: string) => normalizeSpecOptions({ command: ['true'], security: { seccomp } }, { id: someId, host })
  expect(await prepareSpec({ options: options('unconfined'), host, compileSeccomp: never })).not.toHaveProperty('seccompBpf')
  expect((await prepareSpec({ options: options('/own.json'), host })).seccompProfile?.path).toBe('/own.json')
})
