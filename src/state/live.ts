import type { Json, StateStore } from './state-store.ts'

/**
 * The live twin of the registry, on a store under the run root: what is true only until the next reboot, as pids and
 * mounts. Nothing is durable, so a write costs some 0.15 ms; there are no names and no links, and the last writer wins.
 */
export class LiveState {
  readonly #store: StateStore

  constructor(store: StateStore) {
    this.#store = store
  }

  async get<Body extends object>(kind: string, id: string): Promise<Body | undefined> {
    const [entry] = await this.#store.get([keyOf(kind, id)])
    return entry?.value as unknown as Body | undefined
  }

  async set<Body extends object>(kind: string, id: string, body: Body): Promise<void> {
    // A body is plain JSON by its type; an interface just cannot say so.
    await this.#store.commit({ puts: [{ key: keyOf(kind, id), value: body as unknown as Json }] })
  }

  /** Looks first: a look costs microseconds, a write a hundred times that, and often there is nothing. */
  async delete(kind: string, id: string): Promise<void> {
    if ((await this.get(kind, id)) === undefined) return
    await this.#store.commit({ deletes: [keyOf(kind, id)] })
  }

  /** Everything of a kind, in the order of ids; the event loop turns between two pages. */
  async all<Body extends object>(kind: string): Promise<{ readonly id: string; readonly body: Body }[]> {
    const prefix = keyOf(kind, '')
    const all: { id: string; body: Body }[] = []
    for (let after: string | undefined; ; ) {
      const page = await this.#store.list(prefix, { limit: 1000, ...(after === undefined ? {} : { after }) })
      for (const { key, value } of page) all.push({ id: key.slice(prefix.length), body: value as unknown as Body })
      if (page.length < 1000) return all
      after = page.at(-1)?.key
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

function keyOf(kind: string, id: string): string {
  return `live/${kind}/${id}`
}
