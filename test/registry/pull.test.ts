import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { PullImageProgress } from 'libpod-ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { busyboxRootfs } from '../../examples/busybox.ts'
import { failingLogger, image, useEngine } from '../support/engine.ts'
import { addLayer, push, startRegistry, type TestRegistry } from '../support/registry.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()
let place: string
let registry: TestRegistry

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'libpod-ts-'))
  registry = await startRegistry()
  const { images } = engine.runtime
  const busybox = await images.get(image)
  await busybox.save({ path: join(place, 'busybox.tar') })
  push(join(place, 'busybox.tar'), `${registry.host}/busybox:1`)
  const layout = await addLayer(join(place, 'busybox.tar'), join(place, 'layout'))
  for (const [repository, format] of [
    ['team', 'oci'],
    ['docker', 'v2s2'],
  ])
    execFileSync('skopeo', [
      'copy',
      '--insecure-policy',
      '--dest-tls-verify=false',
      '--format',
      format ?? '',
      `oci:${layout}`,
      `docker://${registry.host}/${repository}/two:1`,
    ])
  await busybox.remove()
  await engine.runtime.prune()
})
afterAll(async () => {
  await registry.close()
  await rm(place, { recursive: true, force: true })
})

const run = async (name: string, ...command: readonly string[]): Promise<string> =>
  (await engine.runtime.containers.run({ image: name, command, network: 'none' })).stdout
const blobsAsked = async (): Promise<number> =>
  (await registry.requests()).filter((line) => line.startsWith('GET') && line.includes('/blobs/')).length

async function removeAll(): Promise<void> {
  const { images } = engine.runtime
  for (const { id } of await images.list()) await images.ref(id).remove({ force: true })
  await engine.runtime.prune()
}

describe('pull from a registry', () => {
  it('brings images that run, also of two layers and in the format of Docker', async () => {
    for (const repository of ['busybox', 'team/two', 'docker/two']) {
      const name = `${registry.host}/${repository}:1`
      const seen: PullImageProgress[] = []
      const pulled = await engine.runtime.images.pull(name, { tlsVerify: false, onProgress: (progress) => void seen.push(progress) })
      expect(await run(name, 'echo', 'runs')).toBe('runs\n')
      const { names, repoDigests, digest } = await pulled.inspect()
      // The one in Docker's format has the same configuration, and so is the same image under one more name.
      expect(names).toContain(name)
      const [, theirs] =
        /"Digest": "(\S+)"/.exec(execFileSync('skopeo', ['inspect', '--tls-verify=false', `docker://${name}`], { encoding: 'utf8' })) ?? []
      expect(digest).toBe(theirs)
      expect(repoDigests).toContain(`${registry.host}/${repository}@${theirs}`)
      expect(seen.at(-1)?.phase).toBe('done')
    }
    expect(await run(`${registry.host}/team/two:1`, 'wc', '-c', '/extra')).toContain('100000')
    await removeAll()
  })

  it('fetches nothing a second time, and of another image only what is missing', async () => {
    const { images } = engine.runtime
    await images.pull(`${registry.host}/busybox:1`, { tlsVerify: false })
    const before = await blobsAsked()
    await images.pull(`${registry.host}/busybox:1`, { tlsVerify: false })
    expect(await blobsAsked()).toBe(before)
    await images.pull(`${registry.host}/busybox:1`, { tlsVerify: false, policy: 'missing' })
    await images.pull(`${registry.host}/team/two:1`, { tlsVerify: false })
    // Its configuration, and what was put on top.
    expect(await blobsAsked()).toBe(before + 2)
    await removeAll()
  })

  it('is done by create() and run() for an image that is not there, as they are told', async () => {
    const { images, containers } = engine.runtime
    const name = `${registry.host}/busybox:1`
    const options = { image: name, command: ['echo', 'runs'], network: 'none' } as const
    expect(await failure(containers.run({ ...options, pull: 'never' }))).toMatchObject({ code: 'not-found', details: { kind: 'image' } })
    const seen: PullImageProgress[] = []
    const pull = { tlsVerify: false, onProgress: (progress: PullImageProgress) => void seen.push(progress) }
    expect((await containers.run({ ...options, pull })).stdout).toBe('runs\n')
    expect(seen.at(-1)?.phase).toBe('done')
    const before = await blobsAsked()
    const requests = (await registry.requests()).length
    const container = await containers.create(options)
    expect((await registry.requests()).length).toBe(requests)
    const other = await containers.create({ ...options, pull: { ...pull, policy: 'newer' } })
    expect(await blobsAsked()).toBe(before)
    await Promise.all([container.remove(), other.remove()])
    await removeAll()
    expect(await failure(containers.create({ ...options, image: `${registry.host}/nobody:1`, pull }))).toMatchObject({ code: 'not-found' })
    expect(await failure(containers.create({ ...options, image: 'nobody-knows-this' }))).toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('docker.io/library/nobody-knows-this') as string,
    })
    expect(await failure(containers.create({ ...options, image: 'localhost/nobody' }))).toMatchObject({ code: 'not-found' })
    expect(await failure(containers.create({ ...options, pull: 'sometimes' as never }))).toMatchObject({
      code: 'invalid-argument',
      details: { path: 'pull' },
    })
    expect([await images.list(), await containers.list()]).toEqual([[], []])
  })

  it('tells what is not there, and leaves nothing of it', async () => {
    const { images } = engine.runtime
    for (const name of ['busybox:none', 'nobody:1', `busybox@sha256:${'0'.repeat(64)}`])
      expect(await failure(images.pull(`${registry.host}/${name}`, { tlsVerify: false }))).toMatchObject({
        code: 'not-found',
        details: { kind: 'image' },
      })
    expect((await failure(images.pull(`${registry.host}/busybox:1`))).message).toContain('does not speak TLS')
    expect(await images.list()).toEqual([])
    expect(await engine.runtime.diskUsage()).toMatchObject({ images: { total: 0, blobsBytes: 0, layersBytes: 0 } })
  })

  it('is done once by several processes that want the same', { timeout: 120_000 }, async () => {
    const before = await blobsAsked()
    const name = `${registry.host}/team/two:1`
    const source = `
      import { Runtime } from 'libpod-ts'
      const [root, runRoot, name] = process.argv.slice(1)
      const runtime = await Runtime.open({ root, runRoot })
      const image = await runtime.images.pull(name, { tlsVerify: false })
      console.log(image.id)
      await runtime.close()
    `
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', source, engine.root, engine.runRoot, name], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    )
    const ids = await Promise.all(
      children.map(async (child) => {
        let text = ''
        child.stdout.on('data', (data: Buffer) => (text += data.toString()))
        const [code] = (await once(child, 'close')) as [number]
        return `${code} ${text.trim()}`
      }),
    )
    const [only] = await engine.runtime.images.list()
    expect(new Set(ids)).toEqual(new Set([`0 ${only?.id ?? ''}`]))
    const { layers } = await engine.runtime.images.ref(only?.id ?? '').inspect()
    expect(layers).toHaveLength(2)
    // Each layer once; the configurations are small, and everybody may fetch one.
    expect((await blobsAsked()) - before).toBeLessThanOrEqual(layers.length + children.length)
    expect(await run(name, 'echo', 'runs')).toBe('runs\n')
    await removeAll()
  })

  it('goes on where a killed process was', { timeout: 120_000 }, async () => {
    const name = `${registry.host}/busybox:1`
    const source = `
      import { Runtime } from 'libpod-ts'
      const [root, runRoot, name, step] = process.argv.slice(1)
      const [phase, wanted] = step.split(':')
      const probe = (step, when) => { if (step === wanted && when === phase) process.kill(process.pid, 'SIGKILL') }
      const runtime = await Runtime.open({ root, runRoot, [Symbol.for('libpod-ts.internals')]: { probe } })
      await runtime.images.pull(name, { tlsVerify: false })
      await runtime.close()
    `
    const steps = [
      'pull.manifest',
      'pull.platform',
      'pull.config',
      'pull.blob',
      'unpack.prepare',
      'unpack.extract',
      'unpack.commit',
      'pull.layers',
      'pull.documents',
      'pull.record',
      'pull.event',
    ]
    const counts = new Set<number>()
    for (const step of steps.flatMap((one) => [`before:${one}`, `after:${one}`])) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', source, engine.root, engine.runRoot, name, step], {
        stdio: 'inherit',
      })
      await once(child, 'close')
      expect(`${step} ${child.signalCode ?? ''}`).toBe(`${step} SIGKILL`)
      const listed = await engine.runtime.images.list()
      counts.add(listed.length)
      if (listed.length > 0) expect(await run(name, 'echo', step)).toBe(`${step}\n`)
      const again = await engine.runtime.images.pull(name, { tlsVerify: false })
      expect(await run(name, 'echo', 'again')).toBe('again\n')
      await again.remove({ force: true })
      await engine.runtime.prune()
      expect(await engine.runtime.diskUsage()).toMatchObject({ images: { total: 0, blobsBytes: 0, layersBytes: 0 } })
    }
    expect(counts).toEqual(new Set([0, 1]))
  })

  it('is one image with what was loaded from an archive', async () => {
    const { images } = engine.runtime
    const loaded = await images.load(join(place, 'busybox.tar'))
    const before = await blobsAsked()
    const pulled = await images.pull(`${registry.host}/busybox:1`, { tlsVerify: false })
    expect(pulled.id).toBe(loaded.id)
    expect(await blobsAsked()).toBe(before)
    expect((await pulled.inspect()).names).toEqual([image, `${registry.host}/busybox:1`])
    const docker = join(place, 'docker.tar')
    await pulled.save({ format: 'docker-archive', path: docker })
    await removeAll()
    expect((await images.load(docker)).id).toBe(loaded.id)
    expect(await run(image, 'echo', 'runs')).toBe('runs\n')
    await removeAll()
  })

  it('does not lose what another engine collects garbage of meanwhile', async () => {
    const other = await engine.open({ logger: failingLogger })
    try {
      const pulls = Promise.all(
        ['busybox', 'team/two', 'docker/two'].map((name) => engine.runtime.images.pull(`${registry.host}/${name}:1`, { tlsVerify: false })),
      )
      for (let round = 0; round < 5; round++) await other.prune()
      await pulls
      expect(await run(`${registry.host}/team/two:1`, 'echo', 'runs')).toBe('runs\n')
    } finally {
      await other.close()
    }
    await removeAll()
    await engine.runtime.images.import(Readable.from(busyboxRootfs()), { tag: image })
  })
})
