import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claimAlone, claimState } from './claim-state.ts'

let root = ''

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'libpod-ts-claim-'))
})

afterEach(() => rm(root, { recursive: true }))

describe('the kind of state store of a root', () => {
  it('stays what it was at first', async () => {
    await claimState(root, 'lmdb')
    await claimState(root, 'lmdb')
    await expect(claimState(root, 'memory')).rejects.toMatchObject({ code: 'conflict', details: { what: 'state' } })
    expect(await readdir(root)).toEqual(['state-store'])
  })

  it('is that of one engine when many open a new root at once', async () => {
    const names = Array.from({ length: 20 }, (_, at) => `state ${at % 2}`)
    const outcomes = await Promise.allSettled(names.map((name) => claimState(root, name)))
    const winners = new Set(names.filter((_, at) => outcomes[at]?.status === 'fulfilled'))
    expect(winners.size).toBe(1)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    expect(await readdir(root)).toEqual(['state-store'])
  })

  it('lets in one engine at a time if only it can see its state', () => {
    const release = claimAlone(root)
    expect(() => claimAlone(root)).toThrow('only it can see')
    release()
    claimAlone(root)()
  })
})
