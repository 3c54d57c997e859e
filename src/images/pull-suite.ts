import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { digestOf } from '../base/digest.ts'
import type { RegistryCredentials } from '../config/auth-file.ts'
import { defaultRegistriesConf, type RegistriesConf } from '../config/registries-conf.ts'
import type { RegistryAccess } from '../config/registry-access.ts'
import { type Descriptor, ociMediaTypes } from '../specs/image-spec.ts'
import { type FakeRegistry, fakeRegistry } from './fake-registry.ts'
import { type FakeImages, fakeImages } from './fake-services.ts'
import { Images } from './images.ts'
import { run } from './saved-image-suite.ts'
import { dockerTransport } from './transports/docker/docker-transport.ts'

/** A registry with an image in it, and an empty store: what tests of pulling begin with. */
export interface PullSuite {
  readonly registry: FakeRegistry
  readonly services: FakeImages
  readonly images: Images
  /** The image's name. */
  readonly name: string
  readonly manifest: Descriptor
  readonly layers: readonly Descriptor[]
  /** What the machine says about registries; to be changed. */
  readonly machine: { rules: RegistriesConf; credentials: Record<string, RegistryCredentials> }
  /** Makes another image of the layers. */
  addImage(change?: { readonly architecture?: string; readonly author?: string }): Descriptor
  close(): Promise<void>
}

export async function pullSuite({ stallMs = 300 }: { readonly stallMs?: number } = {}): Promise<PullSuite> {
  const directory = await mkdtemp(join(tmpdir(), 'libpod-ts-pull-'))
  const registry = await fakeRegistry()
  const fake = await fakeImages(join(directory, 'store'))
  const machine: PullSuite['machine'] = { rules: defaultRegistriesConf, credentials: {} }
  const access: RegistryAccess = {
    rules: async () => machine.rules,
    credentials: async (repository) => machine.credentials[repository.split('/')[0] ?? ''],
    certificates: async () => undefined,
    systemAuthorities: async () => undefined,
    proxies: {},
  }
  const services: FakeImages = Object.assign(fake, {
    transports: new Map([['docker', dockerTransport({ access, stallMs })]]),
    registries: access.rules,
  })
  const tars = [await tarOf(directory, 'one'), await tarOf(directory, 'two')]
  const layers = tars.map((tar) => registry.put(gzipSync(tar, { level: 1 }), ociMediaTypes.layerGzip))
  const addImage: PullSuite['addImage'] = ({ architecture = 'amd64', author = 'me' } = {}) => {
    const rootfs = { type: 'layers', diff_ids: tars.map((tar) => digestOf(tar)) }
    const config = registry.put({ os: 'linux', architecture, author, rootfs, config: { Cmd: ['/bin/sh'] } }, ociMediaTypes.config)
    return registry.put({ schemaVersion: 2, mediaType: ociMediaTypes.manifest, config, layers }, ociMediaTypes.manifest)
  }
  const manifest = addImage()
  registry.tag('1', manifest)
  return {
    registry,
    services,
    images: new Images(services),
    name: `${registry.host}/app:1`,
    manifest,
    layers,
    machine,
    addImage,
    async close() {
      await registry.close()
      await rm(directory, { recursive: true })
    },
  }
}

/** More than one piece of a download, and nothing that could be compressed. */
async function tarOf(directory: string, name: string): Promise<Buffer> {
  const tree = join(directory, name)
  await mkdir(tree)
  await writeFile(join(tree, name), randomBytes(1_500_000))
  return run('tar', '-c', '-C', tree, '--mtime=@0', '--sort=name', '.').stdout
}
