import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { sh } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'
import { type Footprint, footprint } from '../support/footprint.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()
let before: Footprint
beforeAll(async () => {
  before = await footprint(engine)
})
afterAll(() => vi.waitFor(async () => expect(await footprint(engine)).toEqual(before), { timeout: 10_000, interval: 100 }))

describe('a driver of the host’s own', () => {
  it('is asked for everything, and left alone by an engine without it', async () => {
    const place = join(engine.root, '../own')
    const calls: string[] = []
    const told = (verb: string, { name }: { name: string }): void => void calls.push(`${verb} ${name}`)
    const driver = {
      name: 'own',
      async create(volume: { name: string }) {
        told('create', volume)
        await mkdir(join(place, volume.name), { recursive: true })
        return {}
      },
      remove: async (volume: { name: string }) => told('remove', volume),
      async mount(volume: { name: string }) {
        told('mount', volume)
        const mount = { type: 'bind', source: join(place, volume.name), options: ['bind'] }
        return { type: 'mount' as const, mount }
      },
      unmount: async (volume: { name: string }) => told('unmount', volume),
      usage: async () => ({ sizeBytes: 1, inodes: 1 }),
    }
    const runtime = await engine.open({ volumes: { drivers: [driver] } })
    try {
      const { stdout } = await runtime.containers.run({
        image,
        command: sh('echo x > /d/file; ls /d'),
        network: 'none',
        mounts: [{ type: 'volume', source: 'odd', target: '/d', driver: 'own' }],
      })
      expect(stdout).toBe('file\n')
      expect(await readFile(join(place, 'odd/file'), 'utf8')).toBe('x\n')
      expect(calls).toEqual(['create odd', 'mount odd', 'unmount odd'])
      const given = { type: 'volume', source: 'odd', target: '/d', options: ['U'] } as const
      expect(await failure(runtime.containers.run({ image, command: ['true'], network: 'none', mounts: [given] }))).toMatchObject({
        code: 'invalid-argument',
        details: { path: 'mounts[0].options' },
        hint: expect.stringMatching(/driver/),
      })
      expect(calls.slice(3)).toEqual(['mount odd', 'unmount odd'])
      const error = await failure(engine.runtime.volumes.ref('odd').remove())
      expect(error).toMatchObject({ code: 'unavailable', details: { what: 'own' } })
      expect((await engine.runtime.volumes.prune()).removed).toEqual([])
      await runtime.volumes.ref('odd').remove()
      expect(calls.at(-1)).toBe('remove odd')
    } finally {
      await runtime.close()
    }
  })

  it('is told to let go only when it has come to the end of what was given up', async () => {
    const calls: string[] = []
    const abort = new AbortController()
    const reason = new Error('enough')
    // It needs its time, and does not listen.
    const slowly = async (verb: string): Promise<void> => {
      abort.abort(reason)
      await setTimeout(100)
      calls.push(verb)
    }
    const source = { type: 'mount' as const, mount: { type: 'tmpfs', source: 'tmpfs', options: [] } }
    const driver = {
      name: 'slow',
      create: async () => ({}),
      remove: async () => void calls.push('removed'),
      mount: () => slowly('mounted').then(() => source),
      unmount: async () => void calls.push('unmounted'),
      usage: async () => ({ sizeBytes: 1, inodes: 1 }),
    }
    const runtime = await engine.open({ volumes: { drivers: [driver] } })
    try {
      const mounts = [{ type: 'volume', target: '/d', driver: 'slow' }] as const
      const running = runtime.containers.run({ image, command: ['true'], network: 'none', mounts, signal: abort.signal })
      await expect(running).rejects.toBe(reason)
      await vi.waitFor(() => expect(calls).toEqual(['mounted', 'unmounted', 'removed']), { timeout: 10_000, interval: 20 })
      expect(await runtime.containers.list()).toEqual([])
    } finally {
      await runtime.close()
    }
  })

  it('makes a volume in spite of an abort that comes too late, and it is there', async () => {
    const abort = new AbortController()
    const driver = {
      name: 'late',
      async create() {
        abort.abort(new Error('enough'))
        await setTimeout(50)
        return {}
      },
      async remove() {},
      mount: async () => ({ type: 'folder' as const, path: engine.root }),
      async unmount() {},
      usage: async () => ({ sizeBytes: 1, inodes: 1 }),
    }
    const runtime = await engine.open({ volumes: { drivers: [driver] } })
    try {
      const made = await runtime.volumes.create({ name: 'late', driver: 'late', signal: abort.signal })
      expect(await made.inspect()).toMatchObject({ name: 'late', driver: 'late' })
      await made.remove()
    } finally {
      await runtime.close()
    }
  })

  it.each([[{ name: 'x' }], ['local'], [{ name: '../x', create() {}, remove() {}, mount() {}, unmount() {}, usage() {} }]])(
    '%j is none',
    async (driver) => {
      expect(await failure(engine.open({ volumes: { drivers: [driver as never] } }))).toMatchObject({
        code: 'invalid-argument',
        details: { path: 'volumes.drivers[0]' },
      })
    },
  )
})
