import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { directTreeWork } from '../test-support/direct-tree-work.ts'
import type { LocalSnapshotter } from './directory-snapshotter.ts'
import { openOverlaySnapshotter } from './overlay/overlay-snapshotter.ts'

let root = ''
let snapshots: LocalSnapshotter

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'libpod-ts-damaged-'))
  snapshots = openOverlaySnapshotter({ root, work: directTreeWork })
})

afterEach(async () => {
  await snapshots.settled()
  await rm(root, { recursive: true })
})

/** As a power cut leaves it: the file is there, its bytes are not. */
async function damage(state: 'active' | 'committed'): Promise<string> {
  const [id = ''] = await readdir(join(root, state))
  await writeFile(join(root, state, id, `${state}.json`), '')
  return id
}

async function names(): Promise<string[]> {
  const found: string[] = []
  for await (const { name } of snapshots.list()) found.push(name)
  return found
}

describe('a snapshot whose description is damaged', () => {
  for (const state of ['active', 'committed'] as const) {
    it(`is listed, is good for nothing, and is removed by its own name or that of the list (${state})`, async () => {
      for (const byOwnName of [true, false]) {
        await snapshots.prepare('container')
        if (state === 'committed') await snapshots.commit('container', 'container')
        const id = await damage(state)
        expect(await names()).toEqual([`damaged-${id}`])
        expect(await snapshots.stat('container')).toBeUndefined()
        await expect(snapshots.mounts('container')).rejects.toMatchObject({ code: 'not-found' })
        await snapshots.remove(byOwnName ? 'container' : `damaged-${id}`)
        expect(await names()).toEqual([])
        expect(await readdir(join(root, state))).toEqual([])
      }
    })
  }
})
