import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { spawnProcess } from '../../linux/process/spawn.ts'
import { type OCIRuntimeCaseContext, ociRuntimeCases } from '../oci-runtime.cases.ts'
import { makeTestBundle } from '../test-support/bundle.ts'
import { tellCases } from '../test-support/tell-cases.ts'
import { cliRuntimeCases } from './cli.cases.ts'
import { detectRuntimes } from './detect.ts'

// A program for tests: runs the conformance cases with the runtime that is named by its argument.
const directory = await mkdtemp('/dev/shm/libpod-runtime-')
const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }
const runtimes = await detectRuntimes({ runRoot: directory, env, preferred: process.argv[2] })
const { runtime } = runtimes

await tellCases(
  [...ociRuntimeCases, ...cliRuntimeCases].map(({ name, run }) => ({
    name,
    async run() {
      const made: string[] = []
      const create: OCIRuntimeCaseContext['create'] = async (args) => {
        const { id, path } = await makeTestBundle(directory, { args })
        made.push(id)
        const command = runtime.command()
        const child = spawnProcess({
          file: command.path,
          args: [...command.args, 'create', '--bundle', path, id],
          env,
          stdio: ['ignore', 'ignore', 2],
        })
        const { code } = await child.exited
        if (code !== 0) throw new Error(`create ended with ${code}`)
        return id
      }
      try {
        await run({ runtime, directory, create })
      } finally {
        for (const id of made) {
          await runtime.delete(id, { force: true })
          await rm(join(directory, id), { recursive: true })
        }
      }
    },
  })),
)
runtimes.close()
await rm(directory, { recursive: true })
