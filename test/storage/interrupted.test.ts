import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Runtime } from 'libpod-ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failingLogger } from '../support/engine.ts'

/** Brings an image, and is killed at the step `PROBE`. Prints the image's id if it gets that far. */
const program = `
import { Runtime } from 'libpod-ts'
const [base, verb, probe] = process.argv.slice(1)
const [phase, step] = probe.split(':')
const kill = (name, when) => { if (name === step && when === phase) process.kill(process.pid, 'SIGKILL') }
const runtime = await Runtime.open({ root: base + '/root', runRoot: base + '/run', [Symbol.for('libpod-ts.internals')]: { probe: kill } })
const image = verb === 'import' ? await runtime.images.import(base + '/layer.tar', { tag: 'localhost/it' }) : await runtime.images.load(base + '/image.tar')
if (verb === 'remove') await image.remove()
console.log(image.id)
await runtime.close()
`

let base = ''

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'libpod-ts-interrupted-'))
  writeFileSync(join(base, 'file'), 'x'.repeat(3_000_000))
  expect(spawnSync('tar', ['-cf', join(base, 'layer.tar'), '-C', base, 'file']).status).toBe(0)
})

afterEach(() => rmSync(base, { recursive: true }))

const open = (): Promise<Runtime> => Runtime.open({ root: join(base, 'root'), runRoot: join(base, 'run'), logger: failingLogger })

async function runAndDie(verb: string, probe: string): Promise<boolean> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, base, verb, probe], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await once(child, 'exit')
  return child.signalCode === 'SIGKILL'
}

/** How many of everything lie in the storage. */
function leftovers(): Record<string, number> {
  const places = {
    blobs: 'content/blobs/sha256',
    ingests: 'content/ingest',
    layers: 'snapshots/overlay/committed',
    half: 'snapshots/overlay/active',
    trash: 'snapshots/overlay/trash',
    new: 'snapshots/overlay/new',
  }
  return Object.fromEntries(Object.entries(places).map(([name, place]) => [name, readdirSync(join(base, 'root/storage', place)).length]))
}

const nothing = { blobs: 0, ingests: 0, layers: 0, half: 0, trash: 0, new: 0 }

/** Opens the root again and looks that the image is there whole or not at all, and that nothing else stays. */
async function expectClean(): Promise<number> {
  const runtime = await open()
  const images = await runtime.images.list()
  for (const { id } of images) {
    const archive = await runtime.images.ref(id).save()
    let bytes = 0
    for await (const chunk of archive) bytes += (chunk as Buffer).length
    expect(bytes).toBeGreaterThan(3_000_000)
  }
  await runtime.close()
  // What was half made is gone without being asked for.
  expect(leftovers()).toEqual(images.length === 0 ? nothing : { ...nothing, blobs: 3, layers: 1 })
  const again = await open()
  await again.prune({ all: true })
  await again.close()
  expect(leftovers()).toEqual(nothing)
  return images.length
}

async function expectCleanAfterEach(verb: string, steps: readonly string[]): Promise<void> {
  const counts = new Set<number>()
  for (const step of steps) {
    for (const phase of ['before', 'after']) {
      expect(`${step} ${String(await runAndDie(verb, `${phase}:${step}`))}`).toBe(`${step} true`)
      counts.add(await expectClean())
    }
  }
  expect(counts).toEqual(new Set([0, 1]))
}

describe('an engine that is killed', () => {
  it('at any step of an import leaves the whole image or nothing', async () => {
    const steps = ['open', 'ingest', 'prepare', 'extract', 'blob', 'commit', 'config', 'manifest', 'record', 'event']
    await expectCleanAfterEach(
      'import',
      steps.map((step) => `import.${step}`),
    )
  })

  it('at any step of a load or a removal leaves the whole image or nothing', async () => {
    const runtime = await open()
    const image = await runtime.images.import(join(base, 'layer.tar'), { tag: 'localhost/it' })
    await image.save({ path: join(base, 'image.tar') })
    await image.remove()
    await runtime.close()
    expect(leftovers()).toEqual(nothing)
    const load = ['read', 'verify', 'unpack', 'record', 'event'].map((step) => `load.${step}`)
    const unpack = ['prepare', 'extract', 'commit'].map((step) => `unpack.${step}`)
    await expectCleanAfterEach('remove', [...load, ...unpack, 'remove.commit', 'remove.event'])
  })
})
