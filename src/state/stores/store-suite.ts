import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { compiled } from '../../../test/support/programs.ts'
import { type CasePeer, spawnCasePeer } from '../../testing/case-peer.ts'
import { stateStoreCases } from '../state-store.cases.ts'
import type { Json, StateStore, StateStoreTraits } from '../state-store.ts'

/** A store as the suite opens it, here and in other processes. */
export interface StoreUnderTest {
  readonly traits: StateStoreTraits
  /** Where another process finds the opener: a file beside this one, as it is called when it is compiled, and its exported name. */
  readonly module: string
  readonly opener: string
  optionsIn(directory: string): { readonly [key: string]: Json }
  open(directory: string): Promise<StateStore>
  readonly scale?: number
  readonly takeoverMs?: number
}

/** Runs every conformance case that the traits ask for. */
export function testStateStore(name: string, store: StoreUnderTest): void {
  describe(name, () => {
    for (const { name: title, requires, run } of stateStoreCases) {
      if (requires !== undefined && !store.traits[requires]) continue
      it(title, { timeout: 180_000 }, async () => {
        const directory = await mkdtemp(join(tmpdir(), 'libpod-ts-store-'))
        const peers: CasePeer[] = []
        try {
          await run({
            traits: store.traits,
            scale: store.scale ?? 1,
            takeoverMs: store.takeoverMs ?? 10_000,
            open: () => store.open(directory),
            async spawnPeer(job, input) {
              const program = compiled(new URL('./store-peer.ts', import.meta.url))
              const args = [store.module, store.opener, JSON.stringify(store.optionsIn(directory))]
              const peer = spawnCasePeer({ program, args, job, input })
              peers.push(peer)
              return peer
            },
            report: (text) => console.info(`${name}: ${text}`),
          })
        } finally {
          for (const peer of peers) await peer.kill()
          await rm(directory, { recursive: true, force: true })
        }
      })
    }
  })
}
