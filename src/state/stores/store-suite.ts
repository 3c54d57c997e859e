import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'vitest'
import type { StateStorePeer } from '../state-store.case-types.ts'
import { stateStoreCases } from '../state-store.cases.ts'
import type { Json, StateStore, StateStoreTraits } from '../state-store.ts'

/** A store as the suite opens it, here and in other processes. */
export interface StoreUnderTest {
  readonly traits: StateStoreTraits
  /** Where another process finds the opener: a file beside this one, and its exported name. */
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
        const peers: ChildProcess[] = []
        try {
          await run({
            traits: store.traits,
            scale: store.scale ?? 1,
            takeoverMs: store.takeoverMs ?? 500,
            open: () => store.open(directory),
            spawnPeer: async (job, args) => spawnPeer(peers, store, directory, job, args),
            report: (text) => console.info(`${name}: ${text}`),
          })
        } finally {
          for (const peer of peers) await kill(peer)
          await rm(directory, { recursive: true, force: true })
        }
      })
    }
  })
}

function spawnPeer(peers: ChildProcess[], store: StoreUnderTest, directory: string, job: string, args: Json): StateStorePeer {
  const program = fileURLToPath(new URL('./store-peer.ts', import.meta.url))
  const options = JSON.stringify(store.optionsIn(directory))
  const argv = ['--import', 'tsx', program, store.module, store.opener, options, job, JSON.stringify(args)]
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  peers.push(child)
  let output = ''
  child.stdout.setEncoding('utf8')
  const ended = once(child, 'close')
  const started = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (text: string) => {
      output += text
      if (output.includes('started\n')) resolve()
    })
    ended.then(() => reject(new Error(`The peer at ${job} ended before it began.`)), reject)
  })
  const result = ended.then(() => {
    if (child.exitCode !== 0) throw new Error(`The peer at ${job} ended with ${child.exitCode ?? child.signalCode}.`)
    return JSON.parse(output.slice(output.indexOf('\n') + 1)) as Json
  })
  for (const promise of [started, result]) promise.catch(() => {})
  return { pid: child.pid ?? 0, started, result, kill: () => kill(child) }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
