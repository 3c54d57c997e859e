import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compiled } from '../../../test/support/programs.ts'
import { digestOf } from '../../base/digest.ts'
import { type CasePeer, spawnCasePeer } from '../../testing/case-peer.ts'
import { contentStoreCases } from '../content-store.cases.ts'
import type { ContentStore } from '../content-store.ts'
import { openContentStore } from './local-content-store.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'libpod-ts-content-'))
})

afterEach(() => rm(directory, { recursive: true }))

describe('local content store', () => {
  for (const { name, run } of contentStoreCases) {
    it(name, { timeout: 120_000 }, async () => {
      const peers: CasePeer[] = []
      const small = join(directory, 'small')
      await mkdir(small)
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small])
      try {
        await run({
          open: () => openContentStore({ root: join(directory, 'store') }),
          openSmall: () => openContentStore({ root: small }),
          async spawnPeer(job, input) {
            const program = compiled(new URL('./content-peer.ts', import.meta.url))
            const peer = spawnCasePeer({ program, args: [join(directory, 'store')], job, input })
            peers.push(peer)
            return peer
          },
          report: (text) => console.info(`local content store: ${text}`),
        })
      } finally {
        for (const peer of peers) await peer.kill()
        execFileSync('umount', [small])
      }
    })
  }
})

describe('local content store on disk', () => {
  let root: string
  let store: ContentStore

  beforeEach(async () => {
    root = join(directory, 'deep', 'er')
    store = await openContentStore({ root })
  })

  async function put(data: string | Buffer): Promise<{ readonly digest: string; readonly size: number }> {
    await using ingest = await store.ingest({ reference: 'some' })
    await ingest.write(Buffer.from(data))
    const { digest, sizeBytes } = await ingest.commit()
    return { digest, size: sizeBytes }
  }

  it('is an OCI image layout that other programs read once it has an index', async () => {
    const layer = await put(execFileSync('tar', ['-c', '-C', directory, '--exclude=*', '.']))
    const rootfs = { type: 'layers', diff_ids: [layer.digest] }
    const config = await put(JSON.stringify({ architecture: 'amd64', os: 'linux', config: { Labels: { who: 'me' } }, rootfs }))
    const type = (name: string): string => `application/vnd.oci.image.${name}`
    const manifest = await put(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: type('manifest.v1+json'),
        config: { mediaType: type('config.v1+json'), ...config },
        layers: [{ mediaType: type('layer.v1.tar'), ...layer }],
      }),
    )
    await writeFile(
      join(root, 'index.json'),
      JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: type('manifest.v1+json'), ...manifest }] }),
    )
    const inspected: unknown = JSON.parse(execFileSync('skopeo', ['inspect', `oci:${root}`], { encoding: 'utf8' }))
    expect(inspected).toMatchObject({ Digest: manifest.digest, Labels: { who: 'me' }, Layers: [layer.digest] })
    execFileSync('skopeo', ['copy', '--insecure-policy', `oci:${root}`, `dir:${join(directory, 'copy')}`])
    const copied = [config.digest, layer.digest].map((digest) => digest.slice('sha256:'.length))
    expect((await readdir(join(directory, 'copy'))).sort()).toEqual([...copied, 'manifest.json', 'version'].sort())
  })

  it('is private to its owner, and no blob can be executed', async () => {
    const { digest } = await put('bytes')
    const path = join(root, 'blobs/sha256', digest.slice(7))
    expect((await store.open(digestOf('bytes'))).path).toBe(path)
    expect((await stat(path)).mode & 0o777).toBe(0o644)
    for (const place of ['.', 'blobs', 'blobs/sha256', 'ingest']) expect((await stat(join(root, place))).mode & 0o777).toBe(0o700)
  })

  it('passes over what is not its own', async () => {
    const { digest } = await put('bytes')
    await mkdir(join(root, 'blobs/sha256', 'f'.repeat(64)))
    await mkdir(join(root, 'blobs/md5'))
    for (const name of [
      'blobs/sha256/README',
      'blobs/file',
      `blobs/md5/${'f'.repeat(32)}`,
      'ingest/README',
      'ingest/a b.part',
      'ingest/.part',
    ])
      await writeFile(join(root, name), '')
    const found: string[] = []
    for await (const blob of store.list()) found.push(blob.digest)
    for await (const { reference } of store.ingests()) found.push(reference)
    expect(found).toEqual([digest])
    expect(await store.stat(`sha256:${'f'.repeat(64)}`)).toBeUndefined()
  })
})
