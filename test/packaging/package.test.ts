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
    await writeFile(seen, '')
    await program('quiet.mjs', "await import('libpod-ts')", { SEEN: seen }, flags)
    const urls = (await readFile(seen, 'utf8')).trim().split('\n')
    expect(urls).toContainEqual(expect.stringContaining('/libpod-ts/dist/index.js'))
    expect(urls.filter((url) => !url.includes('/libpod-ts/dist/'))).toEqual([])

    const required = await program('quiet.cjs', "require('libpod-ts'); console.log(Object.keys(require.cache).join('\\n'))")
    const paths = required.split('\n').filter((path) => path !== join(place, 'quiet.cjs'))
    expect(paths).toEqual([join(place, 'node_modules', 'libpod-ts', 'dist', 'index.cjs')])
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

  it('has its helper programs each in one file', async () => {
    for (const name of ['helper.js', 'cleanup.js']) {
      const code = await readFile(join('dist/helpers', name), 'utf8')
      expect([...code.matchAll(/^import .*from ["'](\.[^"']*)["']/gm)].map(([, specifier]) => specifier)).toEqual([])
    }
  })
})
