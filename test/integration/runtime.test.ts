import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Runtime, type WaitUntilCondition } from 'libpod-ts'
import { describe, expect, it } from 'vitest'
import { busyboxRootfs } from '../../examples/busybox.ts'
import { created, sh, started } from '../support/containers.ts'
import { image, testRuntime, useEngine } from '../support/engine.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()

describe('info', () => {
  it('tells what the engine is and what it found', async () => {
    const { runtime } = engine
    const [running, idle] = [await started(engine, ['sleep', '600']), await created(engine, ['true'])]
    const info = await runtime.info()
    expect(info).toMatchObject({
      version: runtime.version(),
      root: engine.root,
      runRoot: engine.runRoot,
      monitor: { name: 'conmon', version: expect.stringMatching(/^\d+\.\d+/), path: expect.stringMatching(/^\//) },
      storage: { snapshotter: 'overlay', state: 'lmdb' },
      rootless: process.geteuid?.() === 0 ? false : { uids: [[0, process.geteuid?.(), 1], expect.anything()], gids: expect.any(Array) },
      serving: true,
      containers: { total: 2, running: 1, paused: 0, stopped: 1 },
      images: 1,
    })
    expect(runtime.version()).toMatch(/^\d+\.\d+\.\d+/)
    expect(info.host.cpus).toBeGreaterThan(0)
    expect(info.host.memoryBytes).toBeGreaterThan(2 ** 20)
    expect(info.oci.available.map(({ name }) => name)).toContain(info.oci.name)
    expect(info.oci.version).toMatch(/^\d+\.\d+/)
    if (testRuntime !== undefined) expect(info.oci.name).toBe(testRuntime)
    await Promise.all([running.remove({ force: true }), idle.remove()])
  })

  it('tells why a runtime is not used', async () => {
    const { oci, cgroups } = await engine.runtime.info()
    for (const { name, reason } of oci.passedOver) expect(`${name}: ${reason}`.length).toBeGreaterThan(name.length + 10)
    if (cgroups.mode !== 'hybrid') return
    expect(oci.name).toBe('runc')
    // A worker of the tests is in a cgroup of its own, to which the v2 tree may hand no controllers down; crun works there.
    const controllers = (await readFile('/sys/fs/cgroup/unified/cgroup.controllers', 'utf8')).trim()
    expect(oci.passedOver).toEqual(controllers === '' ? [] : [{ name: 'crun', reason: expect.stringMatching(/hybrid/) }])
  })
})

describe('disk usage and prune', () => {
  it('add up what there is, and give back what nothing uses', async () => {
    const { runtime } = engine
    const container = await created(engine, ['true'])
    const writer = await started(engine, sh('head -c 3000000 /dev/zero > /file'))
    await writer.wait()
    const before = await runtime.diskUsage()
    expect(before.images).toMatchObject({ total: 1, active: 1, reclaimableBytes: 0 })
    expect(before.images.layersBytes).toBeGreaterThan(500_000)
    expect(before.images.blobsBytes).toBeGreaterThan(500_000)
    expect(before.containers.total).toBe(2)
    expect(before.containers.sizeBytes).toBeGreaterThanOrEqual(3_000_000)
    const other = await runtime.images.import(busyboxRootfs(), { changes: ['LABEL other=1'] })
    const running = await started(engine, ['sleep', '600'])
    const report = await runtime.prune()
    expect([...report.containers].sort()).toEqual([container.id, writer.id].sort())
    expect(report.images).toEqual([other.id])
    expect(report.reclaimedBytes).toBeGreaterThanOrEqual(0)
    expect((await runtime.diskUsage()).containers).toMatchObject({ total: 1, active: 1 })
    await running.remove({ force: true })
    expect((await runtime.prune({ all: true })).images).toHaveLength(1)
    expect(await runtime.diskUsage()).toEqual({
      images: { total: 0, active: 0, layersBytes: 0, blobsBytes: 0, reclaimableBytes: 0 },
      containers: { total: 0, active: 0, sizeBytes: 0, reclaimableBytes: 0 },
      volumes: { total: 0, active: 0, sizeBytes: 0, reclaimableBytes: 0 },
    })
    await runtime.images.import(busyboxRootfs(), { tag: image, changes: ['CMD ["/bin/sh"]'] })
  })
})

describe('several runtimes', () => {
  it('with roots of their own know nothing of each other', async () => {
    const place = await mkdtemp(join(tmpdir(), 'libpod-ts-'))
    {
      await using other = await Runtime.open({ root: join(place, 'root'), runRoot: join(place, 'run'), oci: { runtime: testRuntime } })
      await other.images.import(busyboxRootfs(), { tag: image })
      const [mine, theirs] = [
        await created(engine, ['sleep', '600'], { name: 'same' }),
        await other.containers.create({ image, command: ['sleep', '600'], name: 'same', network: 'none' }),
      ]
      await Promise.all([mine.start(), theirs.start()])
      expect((await other.containers.list()).map(({ id }) => id)).toEqual([theirs.id])
      expect((await engine.runtime.containers.get('same')).id).toBe(mine.id)
      await Promise.all([mine.remove({ force: true }), theirs.remove({ force: true })])
    }
    await rm(place, { recursive: true })
  })

  it('on one root see what the other does, and only one of them serves', async () => {
    await using other = await engine.open()
    expect([(await engine.runtime.info()).serving, (await other.info()).serving]).toEqual([true, false])
    const container = await other.containers.create({ image, command: sh('exit 5'), network: 'none' })
    const waiting = engine.runtime.containers.ref(container.id).wait()
    await container.start()
    expect((await waiting).exitCode).toBe(5)
    expect((await container.wait()).exitCode).toBe(5)
    const again = await started(engine, ['sleep', '600'])
    await other.containers.ref(again.id).remove({ force: true })
    expect(await engine.runtime.containers.exists(again.id)).toBe(false)
    await container.remove()
  })

  it('hand the duty over when one of them closes', async () => {
    const first = await engine.open()
    await engine.runtime.info()
    const second = await engine.open({ serve: false })
    expect((await second.info()).serving).toBe(false)
    await Promise.all([first.close(), second.close()])
    expect((await engine.runtime.info()).serving).toBe(true)
  })
})

describe('a closed runtime', () => {
  it('refuses every verb, may be closed again, and leaves containers running', async () => {
    const other = await engine.open()
    const container = await other.containers.create({ image, command: ['sleep', '600'], network: 'none' })
    await container.start()
    const mine = await other.images.get(image)
    await Promise.all([other.close(), other.close()])
    await other.close()
    await other[Symbol.asyncDispose]()
    const collect = async (sequence: AsyncIterable<unknown>): Promise<void> => {
      for await (const _ of sequence);
    }
    const verbs: Record<string, () => PromiseLike<unknown>> = {
      info: () => other.info(),
      events: () => collect(other.events()),
      diskUsage: () => other.diskUsage(),
      prune: () => other.prune(),
      create: () => other.containers.create({ image }),
      run: () => other.containers.run({ image, command: ['true'] }),
      ephemeral: () => other.containers.ephemeral({ image, command: ['sleep', '1'] }),
      get: () => other.containers.get(container.id),
      find: () => other.containers.find(container.id),
      exists: () => other.containers.exists(container.id),
      list: () => other.containers.list(),
      iterate: () => collect(other.containers.iterate()),
      pruneContainers: () => other.containers.prune(),
      start: () => container.start(),
      init: () => container.init(),
      stop: () => container.stop(),
      restart: () => container.restart(),
      kill: () => container.kill(),
      pause: () => container.pause(),
      unpause: () => container.unpause(),
      wait: () => container.wait(),
      remove: () => container.remove(),
      attach: () => container.attach(),
      exec: () => container.exec(['true']),
      spawn: () => container.spawn(['true']),
      logs: () => collect(container.logs()),
      rawLogs: () => collect(container.logs({ raw: true })),
      stats: () => collect(container.stats()),
      statsOnce: () => container.stats({ once: true }),
      top: () => container.top(),
      inspect: () => container.inspect(),
      waitUntil: () => container.waitUntil({ exit: true }),
      import: () => other.images.import(busyboxRootfs()),
      load: () => other.images.load('/nowhere.tar'),
      loadAll: () => other.images.loadAll('/nowhere.tar'),
      save: () => other.images.save([image]),
      imagesGet: () => other.images.get(image),
      imagesFind: () => other.images.find(image),
      imagesExists: () => other.images.exists(image),
      imagesList: () => other.images.list(),
      imagesIterate: () => collect(other.images.iterate()),
      imagesPrune: () => other.images.prune(),
      tag: () => mine.tag('x'),
      untag: () => mine.untag('x'),
      imageInspect: () => mine.inspect(),
      history: () => mine.history(),
      imageSave: () => mine.save(),
      imageRemove: () => mine.remove(),
    }
    const codes: Record<string, string> = {}
    for (const [name, verb] of Object.entries(verbs))
      codes[name] = (await failure(verb()).catch((error: unknown) => ({ code: String(error) }))).code
    expect(codes).toEqual(Object.fromEntries(Object.keys(verbs).map((name) => [name, 'closed'])))
    expect((await engine.runtime.containers.ref(container.id).inspect()).status).toBe('running')
    await engine.runtime.containers.ref(container.id).remove({ force: true })
  })

  it('ends what waits for a container, and says why', async () => {
    const other = await engine.open()
    const container = await other.containers.create({ image, command: ['sleep', '600'], network: 'none' })
    await container.start()
    const conditions: WaitUntilCondition[] = [{ log: 'never' }, { predicate: () => false }, { exit: true }]
    const waiting = conditions.map((condition) => failure(container.waitUntil(condition)))
    const session = await container.attach()
    await setTimeout(100)
    await other.close()
    expect((await Promise.all(waiting)).map(({ code }) => code)).toEqual(conditions.map(() => 'closed'))
    for await (const _ of session.stdout);
    await engine.runtime.containers.ref(container.id).remove({ force: true })
  })

  it('lets a worker thread be terminated', async () => {
    const places = { root: engine.root, runRoot: engine.runRoot }
    const inWorker = `
      const { parentPort } = require('node:worker_threads')
      require('libpod-ts').Runtime.open(${JSON.stringify(places)}).then((runtime) => runtime.close()).then(() => parentPort.postMessage(0))
      setInterval(() => {}, 1000)`
    const program = `
      const { Worker } = require('node:worker_threads')
      const worker = new Worker(${JSON.stringify(inWorker)}, { eval: true })
      worker.once('message', () => worker.terminate().then(() => console.log('survived')))`
    expect((await promisify(execFile)(process.execPath, ['--eval', program])).stdout).toBe('survived\n')
  })

  it('leaves no trace in the folders it shares', async () => {
    const before = await readdir(join(engine.runRoot, 'owners'))
    const other = await engine.open()
    await other.close()
    expect(await readdir(join(engine.runRoot, 'owners'))).toEqual(before)
    for (const folder of [engine.root, engine.runRoot]) expect((await stat(folder)).mode & 0o777).toBe(0o700)
  })
})
