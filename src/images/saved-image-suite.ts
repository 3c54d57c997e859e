import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { type Digest, digestOf, splitDigest } from '../base/digest.ts'
import type { Descriptor, OCIIndex } from '../specs/image-spec.ts'
import { type FakeImages, fakeImages } from './fake-services.ts'
import type { Image } from './image.ts'
import { Images } from './images.ts'

/** An image in a store of its own, and the archive it was saved to: what tests of save and load begin with. */
export interface SavedImage {
  /** Holds everything, also what tests make. */
  readonly directory: string
  readonly services: FakeImages
  readonly images: Images
  readonly image: Image
  readonly archive: string
  /** Another, empty store. */
  another(): Promise<{ readonly services: FakeImages; readonly images: Images }>
  /** The archive as a directory. */
  unpacked(path?: string): Promise<string>
  /** A tarball of a few files. */
  tarOf(files: Readonly<Record<string, string>>): Promise<Buffer>
}

export async function saveTestImage(): Promise<SavedImage> {
  const directory = await mkdtemp(join(tmpdir(), 'libpod-ts-load-'))
  const tarOf = (files: Readonly<Record<string, string>>): Promise<Buffer> => makeTarball(directory, files)
  const services = await fakeImages(join(directory, 'store'))
  const images = new Images(services)
  const image = await images.import(Readable.from([gzipSync(await tarOf({ 'etc/os-release': 'ID=test\n' }))]), {
    tag: 'mine:1',
    changes: ['CMD ["/bin/sh"]'],
  })
  const archive = join(directory, 'mine.tar')
  await image.save({ path: archive })
  return {
    directory,
    services,
    images,
    image,
    archive,
    async another() {
      const other = await fakeImages(await mkdtemp(join(directory, 'other-')))
      return { services: other, images: new Images(other) }
    },
    async unpacked(path = archive) {
      const layout = await mkdtemp(join(directory, 'layout-'))
      run('tar', '-x', '-C', layout, '-f', path)
      return layout
    },
    tarOf,
  }
}

async function makeTarball(directory: string, files: Readonly<Record<string, string>>): Promise<Buffer> {
  const tree = await mkdtemp(join(directory, 'tree-'))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(tree, name, '..'), { recursive: true })
    await writeFile(join(tree, name), text)
  }
  return run('tar', '-c', '-C', tree, '--mtime=@0', '--sort=name', '.').stdout
}

/** Runs a program that has to succeed. */
export function run(command: string, ...args: string[]): { readonly stdout: Buffer } {
  const { status, stdout, stderr } = spawnSync(command, args, { maxBuffer: 1 << 28 })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.toString()}`)
  return { stdout }
}

/** A directory as a tarball beside it. */
export function packed(layout: string, ...args: string[]): string {
  const path = `${layout}.tar`
  run('tar', '-c', '-C', layout, ...args, '-f', path, '.')
  return path
}

/** Puts a document into a layout, for its index to name. */
export async function writeBlob(layout: string, document: object, mediaType: string): Promise<Descriptor> {
  const data = Buffer.from(JSON.stringify(document))
  const digest = digestOf(data)
  await writeFile(blobIn(layout, digest), data)
  return { mediaType, digest, size: data.length }
}

/** Where a blob of a layout lies. */
export function blobIn(layout: string, digest: Digest): string {
  return join(layout, 'blobs/sha256', splitDigest(digest).hex)
}

export async function readIndex(layout: string): Promise<OCIIndex> {
  return JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')) as OCIIndex
}

export function writeIndex(layout: string, manifests: readonly object[]): Promise<void> {
  return writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
}

export const indexType = 'application/vnd.oci.image.index.v1+json'
