import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { OCIRuntimeCase } from '../oci-runtime.cases.ts'

/** The file that crun deletes first of what it keeps of a container, and the only one of runc. */
const stateFiles: Readonly<Record<string, string>> = { crun: 'config.json', runc: 'state.json' }

/** What is asked of the runtimes that are programs, besides the contract. */
export const cliRuntimeCases: readonly OCIRuntimeCase[] = [
  {
    name: 'a container that is just being deleted is unknown',
    async run({ runtime, create }) {
      const id = await create(['sleep', '60'])
      const [, root = ''] = runtime.command().args
      const file = join(root, id, stateFiles[runtime.name] ?? '')
      await rename(file, `${file}.away`)
      try {
        assert.equal(await runtime.state(id), undefined)
      } finally {
        await rename(`${file}.away`, file)
      }
      assert.equal((await runtime.state(id))?.status, 'created')
    },
  },
]
