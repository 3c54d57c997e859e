import { closeSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { onAbort } from '../../base/abort.ts'
import type { HelperOperation } from '../helper/helper.ts'
import { mount } from '../mounts.ts'
import { inNewMountNamespace } from '../namespaces.ts'
import { collect, makePipe } from '../pipe.ts'
import { spawnProcess } from '../process/spawn.ts'

/** What the operation `network.program` is given, beside the descriptor of a network namespace. */
export interface ProgramParams {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Where the program finds the namespace. Nobody else does: it is mounted for the program alone, and goes with it. */
  readonly at: string
}

/**
 * Runs a program that takes its network namespace by a path, until it ends or goes into the background. Programs that give up
 * their rights early could not open one through /proc.
 */
export const runAtNamespace: HelperOperation = async (params, { descriptors, signal }) => {
  const { argv, env, at } = params as ProgramParams
  const [file = '', ...args] = argv
  const [namespace = -1] = descriptors
  const output = makePipe()
  mkdirSync(dirname(at), { recursive: true, mode: 0o700 })
  writeFileSync(at, '', { mode: 0o600 })
  let said: ReturnType<typeof collect> | undefined
  try {
    const child = inNewMountNamespace(() => {
      mount({ type: 'bind', source: `/proc/self/fd/${namespace}`, target: at, options: ['bind'] })
      return spawnProcess({ file, args, env, cwd: '/', stdio: ['ignore', output.write, output.write], setsid: true })
    })
    said = collect(output.read)
    const release = onAbort(signal, () => child.kill(9))
    const { code, signal: killedBy } = await child.exited.finally(release)
    said.finish()
    return { code, signal: killedBy, output: (await said.done).data.toString() }
  } finally {
    if (said === undefined) closeSync(output.read)
    for (const fd of [output.write, ...descriptors]) closeSync(fd)
    rmSync(at, { force: true })
  }
}
