import { expect, it } from 'vitest'
import { runModule } from '../support/child.ts'
import { created } from '../support/containers.ts'
import { testRuntime, useEngine } from '../support/engine.ts'

const engine = useEngine()
const each = 6

/** Starts containers in another process; tells their ports and addresses as JSON. */
const program = (root: string, runRoot: string): string => `
const { Runtime } = await import('libpod-ts')
const runtime = await Runtime.open(${JSON.stringify({ root, runRoot, oci: { runtime: testRuntime } })})
const options = { image: 'localhost/busybox:latest', command: ['sleep', '600'], network: { networks: [{ name: 'shared' }] }, ports: [{ container: 80 }] }
const started = await Promise.all(Array.from({ length: ${each} }, async () => {
  const container = await runtime.containers.create(options)
  await container.start()
  const { ports, connected } = await container.inspect()
  return [ports[0].host, connected[0].addresses[0]]
}))
console.log(JSON.stringify(started))
await runtime.close()
`

it('two engines in two processes give no address and no port twice', { timeout: 300_000 }, async () => {
  await engine.runtime.networks.create({ name: 'shared' })
  const results = await Promise.all([0, 1].map(() => runModule(program(engine.root, engine.runRoot), { timeoutMs: 300_000 })))
  expect(results.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual([
    [0, ''],
    [0, ''],
  ])
  const all = results.flatMap(({ stdout }) => JSON.parse(stdout) as [number, string][])
  expect(new Set(all.map(([port]) => port)).size).toBe(2 * each)
  expect(new Set(all.map(([, address]) => address)).size).toBe(2 * each)
  expect((await engine.runtime.networks.ref('shared').inspect()).containers).toHaveLength(2 * each)
  await engine.runtime.networks.ref('shared').remove({ force: true })
  const next = await created(engine, ['true'], { network: 'none' })
  expect(await engine.runtime.containers.list()).toHaveLength(1)
  await next.remove()
})
