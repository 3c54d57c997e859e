import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Runtime } from 'libpod-ts'
import { openLmdbStore } from 'libpod-ts/state/lmdb'
import { type ContainerRecord, containerKind, draftOf } from '../../src/containers/record.ts'
import { Registry } from '../../src/state/registry.ts'
import type { RegistryOperation } from '../../src/state/registry-types.ts'
import type { Bench, Row } from '../bench.ts'
import { loopDelays } from '../event-loop.ts'
import { compare, timed } from '../interleave.ts'
import type { Result } from '../result.ts'

const count = 10_000
const ports = [80, 443].map((container) => ({ container, host: 8000 + container, protocol: 'tcp' as const }))

/** Listing many containers. They are only written into the store. */
export const list: Row = {
  name: 'list',
  when: 'once',
  async run(bench) {
    const { workspace, fast, options, signal, say } = bench
    const places = { root: join(workspace.disk, 'list'), runRoot: join(fast, 'list') }
    say(`writes ${count} containers`)
    const recordBytes = await writeContainers(bench, places)
    const runtime = await Runtime.open(places)
    try {
      const listAll = async (): Promise<void> => {
        const { length } = await runtime.containers.list()
        if (length !== count) throw new Error(`list gave ${length} containers.`)
      }
      const iterateAll = async (): Promise<void> => {
        let seen = 0
        for await (const { id } of runtime.containers.iterate()) if (id !== '') seen++
        if (seen !== count) throw new Error(`iterate gave ${seen} containers.`)
      }
      const measure = async (what: string, work: () => Promise<void>): Promise<Result> => ({
        row: 'list',
        what,
        ...(await compare(() => timed(work), {}, { rounds: options.rounds, signal })),
        goal: { atMostMs: 60 },
        loop: await loopDelays(work, signal),
        note: `records of ${recordBytes} bytes`,
      })
      return [await measure(`list of ${count.toLocaleString('en')} containers`, listAll), await measure('the same, iterated', iterateAll)]
    } finally {
      await runtime.close()
    }
  },
}

/** Has the engine create one, and multiplies it. Gives the size of a record. */
async function writeContainers({ workspace, oci }: Bench, places: { readonly root: string; readonly runRoot: string }): Promise<number> {
  const runtime = await Runtime.open({ ...places, oci: { runtime: oci.name } })
  const { id } = await runtime.containers.create({
    rootfs: workspace.tree,
    command: ['httpd', '-f', '-p', '80'],
    network: 'none',
    env: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`VARIABLE_${i}`, `a value of some length, number ${i}`])),
    mounts: ['data', 'logs', 'run'].map((name) => ({ type: 'tmpfs', target: `/var/${name}`, mode: 0o755, sizeBytes: 1 << 20 })),
    labels: { 'com.example.project': 'bench', 'com.example.service': 'web' },
    restart: { policy: 'on-failure', maxRetries: 3 },
  })
  await runtime.close()
  const store = await openLmdbStore({ path: join(places.root, 'state.mdb'), durable: false })
  try {
    const registry = new Registry(store, { kinds: [containerKind] })
    const object = await registry.get('container', id)
    const record = object?.body as unknown as ContainerRecord
    for (let at = 1; at < count; at += 500) {
      await registry.commit(Array.from({ length: Math.min(500, count - at) }, (_, i) => creation(record, at + i)))
    }
    return JSON.stringify(record).length
  } finally {
    await store.close()
  }
}

/** Ports are not published yet; a record and a summary that have them are no smaller. */
function creation(record: ContainerRecord, number: number): RegistryOperation {
  const draft = draftOf({ ...record, id: randomBytes(32).toString('hex'), name: `bench-${number}` })
  return {
    type: 'create',
    kind: 'container',
    draft: { ...draft, body: { ...(draft.body as object), ports }, summary: { ...(draft.summary as object), ports } },
  }
}
