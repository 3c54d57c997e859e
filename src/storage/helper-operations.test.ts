import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { LibpodError } from '../base/errors.ts'
import { storageWork } from './helper-client.ts'
import { describeTree } from './test-support/describe-tree.ts'
import { ExtractionGround } from './test-support/extraction-ground.ts'

const ground = new ExtractionGround()
const { work } = storageWork(ground.helper)
afterAll(() => ground.close())

function treeOf(files: number): string {
  const tree = ground.fresh()
  mkdirSync(join(tree, 'directory'))
  for (let file = 0; file < files; file++) writeFileSync(join(tree, 'directory', String(file)), Buffer.alloc(100, file))
  symlinkSync('/', join(tree, 'link'))
  return tree
}

test('copies, counts and removes trees', async () => {
  const [tree, copy] = [treeOf(50), ground.fresh()]
  await work.copy(tree, copy)
  expect(describeTree(copy)).toEqual(describeTree(tree))
  expect(await work.usage(copy)).toEqual({ sizeBytes: 5001, inodes: 53 })
  await work.sync(copy)
  await work.remove(copy)
  expect(existsSync(copy)).toBe(false)
  await work.remove(copy)
  expect(await work.usage(copy)).toEqual({ sizeBytes: 0, inodes: 0 })
  expect(readdirSync(tree)).toEqual(['directory', 'link'])
})

test('tells what failed', async () => {
  await expect(work.copy(join(ground.directory, 'missing'), ground.fresh())).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(work.sync(join(ground.directory, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(work.remove('/proc/self/ns')).rejects.toBeInstanceOf(LibpodError)
})

test('ends a copy that is aborted, and lives on', async () => {
  const tree = treeOf(4000)
  await work.usage(tree)
  const { pid } = ground.helper
  const abort = new AbortController()
  const reason = new Error('enough')
  const to = ground.fresh()
  const copying = work.copy(tree, to, { signal: abort.signal })
  // Not before it has begun.
  while (!existsSync(join(to, 'directory'))) await new Promise((resolve) => setTimeout(resolve, 1))
  abort.abort(reason)
  await expect(copying).rejects.toBe(reason)
  expect(ground.helper.pid).toBe(pid)
})

test('tries overlay, and leaves nothing of it', async () => {
  const directory = ground.fresh()
  expect(await work.probeOverlay(directory)).toEqual({ works: true, userxattr: false })
  expect(readdirSync(directory)).toEqual([])
})
