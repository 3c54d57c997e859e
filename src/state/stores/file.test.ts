import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openFileStore } from './file.ts'
import { testStateStore } from './store-suite.ts'

const optionsIn = (directory: string) => ({ directory: join(directory, 'state'), compactBytes: 20_000 })

testStateStore('file store', {
  traits: { durable: true, shared: true },
  module: './file.js',
  opener: 'openFileStore',
  optionsIn,
  open: (directory) => openFileStore(optionsIn(directory)),
  // Taking a lock by making a folder, and reading the journal again, costs some ten times as much as in LMDB.
  scale: 0.1,
})

test.each(['/proc/libpod-ts/x/state', '/dev/null/state'])(
  'a file store refuses a place where no folder can be made: %s',
  async (directory) => {
    await expect(openFileStore({ directory })).rejects.toMatchObject({
      code: 'invalid-argument',
      details: { path: 'directory', value: directory },
    })
  },
)
