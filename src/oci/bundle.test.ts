import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { removeBundle, writeBundle } from './bundle.ts'
import { generated } from './spec/spec.fixture.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'libpod-ts-bundle-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('writes config.json for the engine’s eyes only, and the files for all', async () => {
  const { config, files } = await generated({})
  const bundle = join(folder, 'a', 'b')
  await writeBundle(bundle, { config, files })
  expect((await readdir(bundle)).sort()).toEqual(['config.json', 'containerenv', 'hostname', 'hosts'])
  expect(JSON.parse(await readFile(join(bundle, 'config.json'), 'utf8'))).toEqual(config)
  expect((await stat(join(bundle, 'config.json'))).mode & 0o777).toBe(0o600)
  expect((await stat(join(bundle, 'hosts'))).mode & 0o777).toBe(0o644)
  // The path to the root filesystem must be open to a program that is not root.
  expect((await stat(bundle)).mode & 0o777).toBe(0o711)
})

test('writes over what an earlier start left', async () => {
  const content = await generated({})
  await writeBundle(folder, content)
  await writeFile(join(folder, 'hosts'), 'x'.repeat(100_000))
  await writeBundle(folder, content)
  expect(await readFile(join(folder, 'hosts'), 'utf8')).toBe(content.files['hosts'])
})

test('removes it all, also when it is gone already', async () => {
  const bundle = join(folder, 'a')
  await writeBundle(bundle, await generated({}))
  await removeBundle(bundle)
  await removeBundle(bundle)
  expect(await readdir(folder)).toEqual([])
})

test('says where there is no place', async () => {
  await writeFile(join(folder, 'in-the-way'), '')
  await expect(writeBundle(join(folder, 'in-the-way', 'a'), await generated({}))).rejects.toMatchObject({ code: 'ENOTDIR' })
})

test('is open to the container also under a strict umask', async () => {
  const before = process.umask(0o077)
  try {
    await writeBundle(folder, await generated({}))
  } finally {
    process.umask(before)
  }
  expect((await stat(join(folder, 'hosts'))).mode & 0o777).toBe(0o644)
})
