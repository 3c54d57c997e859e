import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Background } from '../../base/background.ts'
import { silentLogger } from '../../base/logger.ts'
import { directTreeWork } from '../../storage/test-support/direct-tree-work.ts'
import { type VolumeDriverCaseContext, volumeDriverCases } from '../volume-driver.cases.ts'
import { type LocalVolumeDriver, localVolumeDriver } from './local.ts'

let root: string
let background: Background

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'libpod-ts-volumes-'))
  background = new Background()
})

afterEach(async () => {
  await background.settled()
  rmSync(root, { recursive: true })
})

const open = (): LocalVolumeDriver => localVolumeDriver({ root, work: directTreeWork, background, logger: silentLogger })
const plain = (name: string) => ({ name, options: {}, labels: {} })
const context: VolumeDriverCaseContext = {
  open: async () => open(),
  enter: (source, work) => work(source.type === 'folder' ? source.path : 'nothing is mounted here'),
}

for (const { name, run } of volumeDriverCases) it(name, () => run(context))

it('keeps the data where everybody expects it, for nobody else to enter', async () => {
  const { mountpoint = '' } = await open().create(plain('data'))
  expect(mountpoint).toBe(join(root, 'data', '_data'))
  expect([mountpoint, join(root, 'data')].map((path) => statSync(path).mode & 0o7777)).toEqual([0o755, 0o700])
})

it('gives the data its mode whatever the umask is', async () => {
  const umask = process.umask(0o077)
  try {
    const { mountpoint = '' } = await open().create(plain('masked'))
    expect(statSync(mountpoint).mode & 0o7777).toBe(0o755)
  } finally {
    process.umask(umask)
  }
})

it('leaves nothing of what is removed, also where that was cut off', async () => {
  const cutOff = localVolumeDriver({ root, work: { ...directTreeWork, remove: async () => {} }, background, logger: silentLogger })
  for (const name of ['one', 'two']) await cutOff.create(plain(name))
  await cutOff.remove(plain('one'))
  expect(readdirSync(root)).toHaveLength(2)
  const next = open()
  expect(await next.names()).toEqual(['two'])
  await next.clearTrash()
  await background.settled()
  expect(readdirSync(root)).toEqual(['two'])
  await next.remove(plain('two'))
  expect(existsSync(join(root, 'two'))).toBe(false)
  await background.settled()
  expect(readdirSync(root)).toEqual([])
})
