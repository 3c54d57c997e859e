import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)

/** Tells every module that Node resolves, by `import` and by `require`, that is neither Node's own nor the program's. */
const watcher = `
import { appendFileSync } from 'node:fs'
export async function resolve(specifier, context, next) {
  const resolved = await next(specifier, context)
  if (context.parentURL !== undefined && !resolved.url.startsWith('node:')) appendFileSync(process.env.SEEN, resolved.url + '\\n')
  return resolved
}
`

/** A stranger's store, as simple as one can be that keeps the contract. */
const strangeStore = `
import { LibpodError } from 'libpod-ts'
const invalid = (key) => new LibpodError('invalid-argument', 'It cannot be kept.', { path: 'key', value: key })
const bytes = (key) => Buffer.from(key)
export function createStrangeStore() {
  const entries = new Map()
  let [last, closed] = [0, false]
  const check = () => { if (closed) throw new LibpodError('closed', 'The store is closed.', { what: 'store' }) }
  const sorted = () => [...entries.keys()].sort((a, b) => Buffer.compare(bytes(a), bytes(b)))
  const copy = (entry) => entry && structuredClone(entry)
  return {
    traits: { durable: false, shared: false },
    async get(keys) { check(); return keys.map((key) => copy(entries.get(key))) },
    async list(prefix, { after, limit = 1000 } = {}) {
      check()
      const behind = (key) => after === undefined || Buffer.compare(bytes(key), bytes(after)) > 0
      return sorted().filter((key) => key.startsWith(prefix) && behind(key)).slice(0, limit).map((key) => copy(entries.get(key)))
    },
    async commit({ checks = [], puts = [], deletes = [] }) {
      check()
      const keys = [...puts.map(({ key }) => key), ...deletes]
      const odd = keys.find((key) => key === '' || bytes(key).length > 400 || bytes(key).toString() !== key)
      if (odd !== undefined || new Set(keys).size < keys.length) throw invalid(odd)
      if (puts.some(({ value }) => value === undefined)) throw invalid('value')
      const held = checks.map(({ key, prefix, version, exists }) =>
        prefix !== undefined ? !sorted().some((other) => other.startsWith(prefix))
        : version !== undefined ? entries.get(key)?.version === version : entries.has(key) === exists)
      if (!held.every(Boolean)) throw new LibpodError('conflict', 'Somebody was faster.', { what: 'key' })
      for (const key of deletes) entries.delete(key)
      return puts.map(({ key, value }) => {
        const version = String(++last)
        entries.set(key, structuredClone({ key, value, version }))
        return version
      })
    },
    async close() { closed = true },
  }
}
`

const strangeTest = `
import { stateStoreCases } from 'libpod-ts/testing'
import { createStrangeStore } from './strange-store.mjs'
const { traits } = createStrangeStore()
const context = { traits, open: async () => createStrangeStore(), spawnPeer: undefined, scale: 1, takeoverMs: 500, report: console.error }
for (const { name, requires, run } of stateStoreCases) {
  if (requires !== undefined && !traits[requires]) continue
  await run(context).then(() => console.log('passed: ' + name), () => console.log('failed: ' + name))
}
`

/** Both sides of another process in one file. */
const peerTest = `
import { fileURLToPath } from 'node:url'
import { serveCasePeer, spawnCasePeer, stateStorePeerJobs } from 'libpod-ts/testing'
import { createStrangeStore } from './strange-store.mjs'
if (process.argv.length > 2) {
  const open = async (times) => {
    const store = createStrangeStore()
    await store.commit({ puts: [{ key: 'counter', value: Number(times) }] })
    return store
  }
  const jobs = { async count(store) { await stateStorePeerJobs.increment(store, { times: 2 }); return (await store.get(['counter']))[0].value } }
  await serveCasePeer(jobs, open, (store) => store.close())
} else {
  const peer = spawnCasePeer({ program: new URL(import.meta.url), args: ['1'], job: 'count', input: {} })
  await peer.started
  console.log('started, ' + (await peer.result))
  await peer.kill()
}
`

describe('the package', () => {
  let place: string

  beforeAll(async () => {
    // A path with everything in it that breaks when a URL is made by hand.
    place = await mkdtemp(join(tmpdir(), 'libpod-ts 50%#?-'))
    const installed = join(place, 'node_modules', 'libpod-ts')
    for (const name of ['package.json', 'dist']) await cp(resolve(name), join(installed, name), { recursive: true })
    await symlink(resolve('node_modules'), join(installed, 'node_modules'))
  })

  afterAll(() => rm(place, { recursive: true, force: true }))

  const program = async (
    name: string,
    code: string,
    env: Readonly<Record<string, string>> = {},
    flags: readonly string[] = [],
  ): Promise<string> => {
    const path = join(place, name)
    await writeFile(path, code)
    const { stdout } = await run(process.execPath, [...flags, path], { env: { ...process.env, ...env } })
    return stdout.trim()
  }

  it('is found by import and by require, with the same names', async () => {
    const subpaths = Object.keys((JSON.parse(await readFile('package.json', 'utf8')) as { exports: object }).exports)
    for (const subpath of subpaths.filter((name) => name !== './package.json')) {
      const specifier = join('libpod-ts', subpath)
      const imported = await program('names.mjs', `console.log(Object.keys(await import('${specifier}')).sort().join())`)
      const required = await program('names.cjs', `console.log(Object.keys(require('${specifier}')).sort().join())`)
      expect(imported).not.toBe('')
      expect(required).toBe(imported)
    }
  })

  it('knows its errors across both of its forms', async () => {
    const code = `
      const { LibpodError } = await import('libpod-ts')
      const { isLibpodError } = process.getBuiltinModule('module').createRequire(import.meta.url)('libpod-ts')
      console.log(isLibpodError(new LibpodError('closed', 'The runtime is closed.', { what: 'runtime' }), 'closed'))
    `
    expect(await program('brand.mjs', code)).toBe('true')
  })

  it('loads no dependency when it is imported', async () => {
    const seen = join(place, 'seen')
    await writeFile(join(place, 'watcher.mjs'), watcher)
    await writeFile(join(place, 'watch.mjs'), "import { register } from 'node:module'\nregister('./watcher.mjs', import.meta.url)\n")
    // Node takes --import as a URL or a path; the path of this folder would be cut at its `?`.
    const flags = [
      '--import',
      `data:text/javascript,${encodeURIComponent(`import { pathToFileURL } from 'node:url'; await import(pathToFileURL(${JSON.stringify(join(place, 'watch.mjs'))}).href)`)}`,
    ]
    for (const [specifier, file] of [
      ['libpod-ts', 'index'],
      ['libpod-ts/testing', 'testing/index'],
    ] as const) {
      await writeFile(seen, '')
      await program('quiet.mjs', `await import('${specifier}')`, { SEEN: seen }, flags)
      const urls = (await readFile(seen, 'utf8')).trim().split('\n')
      expect(urls).toContainEqual(expect.stringContaining(`/libpod-ts/dist/${file}.js`))
      expect(urls.filter((url) => !url.includes('/libpod-ts/dist/'))).toEqual([])

      const required = await program('quiet.cjs', `require('${specifier}'); console.log(Object.keys(require.cache).join('\\n'))`)
      const paths = required.split('\n').filter((path) => path !== join(place, 'quiet.cjs'))
      const dist = join(place, 'node_modules', 'libpod-ts', 'dist')
      expect(paths.sort()).toEqual([join(dist, 'core.cjs'), join(dist, `${file}.cjs`)])
    }
  })

  it('leaves the host process as it was', async () => {
    const code = `
      const before = [process.umask(), process.cwd(), process.eventNames().join(), Object.keys(globalThis).join()].join(' ')
      await import('libpod-ts')
      const after = [process.umask(), process.cwd(), process.eventNames().join(), Object.keys(globalThis).join()].join(' ')
      console.log(before === after)
    `
    expect(await program('guest.mjs', code)).toBe('true')
  })

  it('publishes the cases of each contract', async () => {
    const code = `
      const cases = Object.entries(await import('libpod-ts/testing')).filter(([name]) => name.endsWith('Cases'))
      const { createRequire } = process.getBuiltinModule('module')
      const required = createRequire(import.meta.url)('libpod-ts/testing')
      const whole = cases.every(([name, all]) => all.length > 4 && all.length === required[name].length)
      console.log(whole, cases.map(([name]) => name.slice(0, -'Cases'.length)).sort().join())
    `
    expect(await program('cases.mjs', code)).toBe(
      'true contentStore,eventLog,imageStore,lockManager,logDriver,networkBackend,ociRuntime,snapshotter,stateStore,volumeDriver',
    )
  })

  it("runs the published cases on a stranger's store, and in a process of the stranger's own", { timeout: 60_000 }, async () => {
    await writeFile(join(place, 'strange-store.mjs'), strangeStore)
    const output = await program('strange-test.mjs', strangeTest)
    const lines = output.split('\n')
    expect(lines.filter((line) => !line.startsWith('passed'))).toEqual([])
    expect(lines.length).toBeGreaterThan(14)
    // The cases find what is wrong with it.
    await writeFile(join(place, 'strange-store.mjs'), strangeStore.replace('held.every(Boolean)', 'true'))
    expect(await program('strange-test.mjs', strangeTest)).toContain('failed: a failed check changes nothing at all')
    // A peer is a program of the stranger's own.
    const peer = await program('peer-test.mjs', peerTest)
    expect(peer).toBe('started, 3')
  })

  it('names the very version of lmdb whose one half is taken in, and that is needed for the other', async () => {
    const { dependencies } = JSON.parse(await readFile('package.json', 'utf8')) as { dependencies: Record<string, string> }
    const lmdb = JSON.parse(await readFile('node_modules/lmdb/package.json', 'utf8')) as { version: string }
    expect(dependencies['lmdb']).toBe(lmdb.version)
  })

  it('has its helper programs each in one file', async () => {
    for (const name of ['helper.js', 'cleanup.js']) {
      const code = await readFile(join('dist/helpers', name), 'utf8')
      expect([...code.matchAll(/^import .*from ["'](\.[^"']*)["']/gm)].map(([, specifier]) => specifier)).toEqual([])
    }
  })
})
