import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { busyboxRootfs } from '../../examples/busybox.ts'
import { image, testRuntime, useEngine } from '../support/engine.ts'
import { configuredChanges, type ParityCase, parityCases } from './cases.ts'
import { differencesOf, judge, type MadeConfig } from './compare.ts'
import { meantDifferences } from './differences.ts'
import { machineFacts } from './machine-facts.ts'
import { podmanConfigs, smallLimits } from './podman.ts'

const configuredImage = 'localhost/configured:latest'
const images = { [image]: ['CMD ["/bin/sh"]'], [configuredImage]: configuredChanges }
const imageOf = ({ configured }: ParityCase): string => (configured ? configuredImage : image)

/** For both sides: any program does for an init program, because nothing is started here. */
const containersConf = '[containers]\ninit_path = "/bin/busybox"\n'
/** For both sides: it goes into containers. */
const proxy = { name: 'http_proxy', value: 'http://proxy.invalid:3128' }

let overrides: string
beforeAll(async () => {
  overrides = await mkdtemp(join(tmpdir(), 'libpod-ts-parity-'))
  const file = join(overrides, 'containers.conf')
  await writeFile(file, containersConf)
  process.env['CONTAINERS_CONF_OVERRIDE'] = file
  process.env[proxy.name] = proxy.value
})

/** With systemd the path of a cgroup is another, for both in the same way; what is asked of it is not. */
const engine = useEngine({ oci: { runtime: testRuntime, cgroupManager: 'cgroupfs' } })

// Hooks of this kind run in reverse order: before the engine's own, which fails when something was left behind.
afterAll(async () => {
  delete process.env['CONTAINERS_CONF_OVERRIDE']
  delete process.env[proxy.name]
  await rm(overrides, { recursive: true, force: true })
})

it('config.json is Podman’s, but for the differences that are meant', async () => {
  const { runtime } = engine
  await runtime.images.import(busyboxRootfs(), { tag: configuredImage, changes: configuredChanges })
  const { oci } = await runtime.info()
  const [podman, ours] = await Promise.all([
    podmanConfigs({ cases: parityCases, images, imageOf, runtime: oci.path, containersConf }),
    ourConfigs(),
  ])
  const found = parityCases.flatMap(({ name }, index) => differencesOf(name, made(podman[index]), made(ours[index])))
  const cases = parityCases.map(({ name }) => name)
  expect(judge({ found, meant: meantDifferences, cases, facts: await machineFacts(oci.name) })).toEqual([])
})

async function ourConfigs(): Promise<MadeConfig[]> {
  const configs: MadeConfig[] = []
  for (const parityCase of parityCases) configs.push(await ourConfig(parityCase))
  return configs
}

/** What we make of the case. The container is made by its runtime, and so valid, but its program is never started. */
async function ourConfig(parityCase: ParityCase): Promise<MadeConfig> {
  const { options, command, network, usualLimits } = parityCase
  const container = await engine.runtime.containers.create({
    image: imageOf(parityCase),
    network: network ?? 'none',
    ...(usualLimits ? {} : { ulimits: smallLimits }),
    ...(command === undefined ? {} : { command }),
    ...options,
  })
  await container.init()
  const { ociConfigPath } = await container.inspect()
  const config: unknown = JSON.parse(await readFile(ociConfigPath, 'utf8'))
  await container.remove({ force: true })
  return { id: container.id, config }
}

function made(config: MadeConfig | undefined): MadeConfig {
  if (config === undefined) throw new Error('A container was not made.')
  return config
}
