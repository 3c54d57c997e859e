import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { tryFlock } from '../linux/flock.ts'
import { createOwner, deadOwners, forgetOwner, isOwnerAlive } from './owners.ts'
import { firstLine, killPeer, spawnLockPeer } from './test-support/peers.ts'

let directory: string
let peers: ChildProcess[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'libpod-ts-owners-'))
  peers = []
})

afterEach(async () => {
  for (const peer of peers) await killPeer(peer)
  await rm(directory, { recursive: true, force: true })
})

async function ownElsewhere(): Promise<{ readonly id: string; readonly peer: ChildProcess }> {
  const peer = spawnLockPeer('own', directory)
  peers.push(peer)
  return { id: await firstLine(peer), peer }
}

it('an owner lives until it is released', async () => {
  const owner = await createOwner(directory)
  expect(isOwnerAlive(directory, owner.id)).toBe(true)
  expect(await deadOwners(directory)).toEqual([])
  expect(forgetOwner(directory, owner.id)).toBe(false)
  owner.release()
  owner.release()
  expect(isOwnerAlive(directory, owner.id)).toBe(false)
  expect(await readdir(directory)).toEqual([])
})

it('an owner that was killed is dead, and stays known until it is forgotten', async () => {
  const [first, second] = await Promise.all([ownElsewhere(), ownElsewhere()])
  expect(isOwnerAlive(directory, first.id)).toBe(true)
  await killPeer(first.peer)
  expect(await deadOwners(directory)).toEqual([first.id])
  expect(isOwnerAlive(directory, second.id)).toBe(true)
  expect(forgetOwner(directory, first.id)).toBe(true)
  expect(forgetOwner(directory, first.id)).toBe(true)
  expect(await deadOwners(directory)).toEqual([])
})

it('probers disturb neither each other nor the owner', async () => {
  const { id, peer } = await ownElsewhere()
  expect(isOwnerAlive(directory, id)).toBe(true)
  await killPeer(peer)
  // Another prober that is in the middle of its look.
  const prober = openSync(join(directory, `${id}.lock`), 'r')
  expect(tryFlock(prober, 'shared')).toBe(true)
  expect(isOwnerAlive(directory, id)).toBe(false)
  expect(await deadOwners(directory)).toEqual([id])
  closeSync(prober)
})

it('never takes an owner that is just being made for dead', async () => {
  let wrong = 0
  let stop = false
  const prober = (async () => {
    while (!stop) {
      wrong += (await deadOwners(directory)).length
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  const owners = await Promise.all(Array.from({ length: 200 }, () => createOwner(directory)))
  stop = true
  await prober
  expect(wrong).toBe(0)
  for (const owner of owners) owner.release()
})

it('clears away what died while it was being made', async () => {
  const old = join(directory, '0.lock.new')
  await writeFile(old, '')
  await writeFile(join(directory, '1.lock.new'), '')
  await utimes(old, 0, 0)
  expect(await deadOwners(directory)).toEqual([])
  expect(await readdir(directory)).toEqual(['1.lock.new'])
})

it('knows no owners where there is no folder', async () => {
  expect(await deadOwners(join(directory, 'none'))).toEqual([])
})
