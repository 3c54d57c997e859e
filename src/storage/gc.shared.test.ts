import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compiled } from '../../test/support/programs.ts'
import { openLmdbStore } from '../state/stores/lmdb.ts'

let directory = ''
const peers: ChildProcess[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'libpod-ts-gc-'))
  mkdirSync(join(directory, 'layers'))
  for (const name of ['a', 'b', 'c']) {
    writeFileSync(join(directory, name), name.repeat(5000))
    expect(spawnSync('tar', ['-cf', join(directory, 'layers', name), '-C', directory, name]).status).toBe(0)
  }
})

afterEach(async () => {
  for (const peer of peers.splice(0)) await kill(peer)
  rmSync(directory, { recursive: true })
})

function startPeer(job: string, rounds = 0): { readonly child: ChildProcess; readonly result: Promise<string> } {
  const child = spawn(process.execPath, [compiled(new URL('./gc-peer.ts', import.meta.url)), job, directory, String(rounds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  peers.push(child)
  let output = ''
  child.stdout.on('data', (data: Buffer) => (output += data.toString()))
  const result = once(child, 'close').then(() => {
    if (child.exitCode !== 0) throw new Error(`The peer that was to ${job} ended with ${child.exitCode ?? child.signalCode}.`)
    return output.slice(output.indexOf('\n') + 1)
  })
  result.catch(() => {})
  return { child, result }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

describe('collecting in one process while others bring and remove images', () => {
  it('never takes what an image needs, and leaves nothing in the end', { timeout: 180_000 }, async () => {
    const collectors = [startPeer('collect'), startPeer('collect')]
    const importers = Array.from({ length: 4 }, () => startPeer('import', 50))
    const done = Promise.all(importers.map(({ result }) => result))
    let over = false
    const victims = (async () => {
      while (!over) {
        const { child } = startPeer('import', 1000)
        await sleep(700 + Math.random() * 300)
        await kill(child)
      }
    })()
    try {
      await done
    } finally {
      over = true
      await victims
    }
    // The images of those that were killed are whole, and stay: nobody removed them.
    writeFileSync(join(directory, 'stop'), '')
    const sums = await Promise.all(collectors.map(async ({ result }) => JSON.parse(await result) as Record<string, number>))
    const sumOf = (what: string): number => sums.reduce((sum, { [what]: count = 0 }) => sum + count, 0)
    console.info(`collected ${sumOf('blobs')} blobs, ${sumOf('snapshots')} layers and ${sumOf('ingests')} ingests from under 200 imports`)
    expect(sumOf('blobs')).toBeGreaterThan(200)
    expect(sumOf('snapshots')).toBeGreaterThan(50)

    const state = await openLmdbStore({ path: join(directory, 'state.mdb') })
    const images = (await state.list('object/image/')).map(({ key }) => key)
    await state.commit({ deletes: (await state.list('')).map(({ key }) => key) })
    await state.close()
    await startPeer('collect').result
    const places = ['content/blobs/sha256', 'content/ingest', 'snapshots/committed', 'snapshots/active', 'snapshots/trash', 'snapshots/new']
    expect(Object.fromEntries(places.map((place) => [place, readdirSync(join(directory, place)).length]))).toEqual(
      Object.fromEntries(places.map((place) => [place, place === 'content/ingest' ? expect.any(Number) : 0])),
    )
    const live = await openLmdbStore({ path: join(directory, 'live.mdb'), durable: false })
    expect(await live.list('')).toEqual([])
    await live.close()
    expect(images.length).toBeLessThan(20)
  })
})
