import type { Digest } from '../base/digest.ts'
import { isLibpodError, LibpodError } from '../base/errors.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { sleep } from '../base/time.ts'
import { isOwnerAlive } from '../locks/owners.ts'
import type { StateChange, StateEntry, StateStore } from '../state/state-store.ts'
import { blobWord, condemnedKey, condemnedPrefix, holderOf, leaseKey, leasePrefix, snapshotWord, splitLeaseKey } from './lease-keys.ts'

/** Blobs and snapshots that a lease names. */
export interface LeasedResources {
  readonly digests?: readonly Digest[]
  readonly snapshots?: readonly string[]
}

/** A lease. What it names is kept, whether it is there already or only comes. */
export interface Lease {
  /** Names more. When this resolves, nobody removes it any more: only now may be looked whether it is there. */
  add(resources: LeasedResources): Promise<void>
}

/** What leases are kept with. */
export interface LeasesOptions {
  /** The live store: after a reboot nobody holds a lease any more. */
  readonly store: StateStore
  /** The folder of the owners' lock files, and the owner of this engine. */
  readonly owners: string
  readonly owner: string
  readonly logger?: Logger
}

/** How long a lease waits for a collector that is just removing what it names: that takes milliseconds. */
const patienceMs = 60_000
const longestPauseMs = 20

/**
 * Leases keep half-made things from the collector, in this process and in others. Each resource of a lease is an entry of the
 * live store, `lease/<resource>/<owner>.<number>`. The collector condemns a resource before it removes it, by an entry
 * `condemned/<resource>` that it can write only while there is no lease; and a lease can be written only while there is
 * no such entry. So neither can overlook the other, however they come together. Entries of owners that are dead are void.
 */
export class Leases {
  readonly #store: StateStore
  readonly #owners: string
  readonly #owner: string
  readonly #logger: Logger
  #count = 0

  constructor({ store, owners, owner, logger = silentLogger }: LeasesOptions) {
    this.#store = store
    this.#owners = owners
    this.#owner = owner
    this.#logger = logger
  }

  /** Runs `work` under a new lease and gives the lease back, however the work ends. */
  async with<Result>(work: (lease: Lease) => Promise<Result>): Promise<Result> {
    const holder = holderOf(this.#owner, ++this.#count)
    const named = new Map<string, Promise<void>>()
    const add = async (resources: LeasedResources): Promise<void> => {
      const words = wordsOf(resources)
      const fresh = words.filter((word) => !named.has(word))
      const written = this.#write(fresh, holder)
      for (const word of fresh) named.set(word, written)
      await Promise.all(words.map((word) => named.get(word)))
    }
    try {
      return await work({ add })
    } finally {
      // Also what is still being written, by work that did not wait for it.
      await Promise.allSettled(named.values())
      await this.#forget([...named.keys()].map((word) => leaseKey(word, holder)))
    }
  }

  /** Condemns those of the resources that no lease names, and hands them to `remove`, which removes them. */
  async condemn<Result>(words: readonly string[], remove: (condemned: ReadonlySet<string>) => Promise<Result>): Promise<Result> {
    const condemned = new Set<string>()
    try {
      if (await this.#tryCondemn(words)) for (const word of words) condemned.add(word)
      else for (const word of words) if (await this.#tryCondemn([word])) condemned.add(word)
      return await remove(condemned)
    } finally {
      await this.#forget([...condemned].map(condemnedKey))
    }
  }

  /** The resources that living leases name. What dead engines wrote is forgotten on the way. */
  async held(): Promise<ReadonlySet<string>> {
    const alive = new Map<string, boolean>()
    const isAlive = (owner: string): boolean => {
      const answer = alive.get(owner) ?? isOwnerAlive(this.#owners, owner)
      alive.set(owner, answer)
      return answer
    }
    const held = new Set<string>()
    const dead: string[] = []
    for await (const { key } of this.#entries(leasePrefix)) {
      const { word, owner } = splitLeaseKey(key)
      if (isAlive(owner)) held.add(word)
      else dead.push(key)
    }
    await this.#forget(dead)
    const condemned: string[] = []
    for await (const { key, value } of this.#entries(condemnedPrefix))
      if (!isAlive(String(value))) condemned.push(key.slice(condemnedPrefix.length))
    if (condemned.length > 0) await this.#acquit(condemned)
    return held
  }

  async #write(words: readonly string[], holder: string): Promise<void> {
    if (words.length === 0) return
    const change = {
      checks: words.map((word) => ({ key: condemnedKey(word), exists: false })),
      puts: words.map((word) => ({ key: leaseKey(word, holder), value: null })),
    }
    const giveUpAt = Date.now() + patienceMs
    for (let pauseMs = 1; !(await this.#try(change)); pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      if (Date.now() > giveUpAt) throw stuck(words)
      if (!(await this.#acquit(words))) await sleep(Math.random() * pauseMs)
    }
  }

  /** Takes back what a collector that died meanwhile had condemned. */
  async #acquit(words: readonly string[]): Promise<boolean> {
    const entries = await this.#store.get(words.map(condemnedKey))
    const dead = entries.flatMap((entry) => (entry && !isOwnerAlive(this.#owners, String(entry.value)) ? [entry] : []))
    if (dead.length === 0) return false
    return this.#try({ checks: dead.map(({ key, version }) => ({ key, version })), deletes: dead.map(({ key }) => key) })
  }

  #tryCondemn(words: readonly string[]): Promise<boolean> {
    return this.#try({
      checks: words.flatMap((word) => [{ prefix: leaseKey(word), exists: false } as const, { key: condemnedKey(word), exists: false }]),
      puts: words.map((word) => ({ key: condemnedKey(word), value: this.#owner })),
    })
  }

  async #try(change: StateChange): Promise<boolean> {
    try {
      await this.#store.commit(change)
      return true
    } catch (error) {
      if (isLibpodError(error, 'conflict')) return false
      throw error
    }
  }

  /** What cannot be forgotten now is void at the end of this engine: that is not worth failing for. */
  async #forget(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    try {
      await this.#store.commit({ deletes: keys })
    } catch (error) {
      if (!isLibpodError(error, 'closed')) this.#logger.warn(`Giving back a lease failed: ${String(error)}`)
    }
  }

  async *#entries(prefix: string): AsyncGenerator<StateEntry, void> {
    for (let after: string | undefined; ; ) {
      const page = await this.#store.list(prefix, { limit: 1000, ...(after === undefined ? {} : { after }) })
      yield* page
      if (page.length < 1000) return
      after = page.at(-1)?.key
    }
  }
}

function wordsOf({ digests = [], snapshots = [] }: LeasedResources): readonly string[] {
  return [...new Set([...digests.map(blobWord), ...snapshots.map(snapshotWord)])]
}

function stuck(words: readonly string[]): LibpodError<'unavailable'> {
  const what = words.map((word) => decodeURIComponent(word)).join(', ')
  return new LibpodError(
    'unavailable',
    `Another engine has been removing ${what} for more than ${patienceMs / 1000} seconds.`,
    { what },
    { hint: 'See whether a process that has this root open hangs.' },
  )
}
