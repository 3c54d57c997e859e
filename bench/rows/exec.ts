import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Container } from 'libpod-ts'
import type { Bench, Row } from '../bench.ts'
import { command } from '../commands.ts'
import { loopDelays, times } from '../event-loop.ts'
import { bare } from '../floor.ts'
import { compare, timed } from '../interleave.ts'

/** A program in a running container, and its output. */
export const exec: Row = {
  name: 'exec',
  when: ['runc', 'crun'],
  async run(bench) {
    const { runtime, base, podman, oci, runRoot, options, signal } = bench
    const container = await runtime.containers.create({ ...base, command: ['sleep', '3600'] })
    await container.start()
    const execute = async (): Promise<void> => {
      const { stdout } = await container.exec(['echo', 'hello'])
      if (stdout !== 'hello\n') throw new Error(`exec gave ${JSON.stringify(stdout)}.`)
    }
    const name = `${oci.name} exec`
    const process = await captureProcess(bench, container)
    const others = {
      [name]: bare(bench, [oci.path, '--root', join(runRoot, oci.name), 'exec', '--process', process, container.id]),
      podman: podman && bare(bench, [...podman.words, 'exec', 'bench-exec', 'echo', 'hello']),
    }
    if (podman) await command([...podman.words, 'run', '--detach', '--name', 'bench-exec', ...podman.container, 'sleep', '3600'])
    const compared = await compare(() => timed(execute), others, { rounds: options.rounds, signal })
    const loop = await loopDelays(times(20, execute), signal)
    if (podman) await command([...podman.words, 'rm', '--force', '--time', '0', 'bench-exec'])
    await container.remove({ force: true })
    return [{ row: 'exec', what: 'exec and collect output', ...compared, goal: { atMost: 1.1, of: name }, loop }]
  },
}

/** The OCI process of an exec, as the engine writes it, with another program in it. */
async function captureProcess({ fast }: Bench, container: Container): Promise<string> {
  const bundle = dirname((await container.inspect()).ociConfigPath)
  const running = container.exec(['sleep', '0.5'])
  for (;;) {
    const name = readdirSync(bundle).find((name) => /^exec-.*\.json$/.test(name))
    const text = name === undefined ? '' : readFileSync(join(bundle, name), 'utf8')
    if (text.endsWith('}')) {
      const copy = join(fast, 'exec.json')
      writeFileSync(copy, text.replace('["sleep","0.5"]', '["echo","hello"]'))
      await running
      return copy
    }
    await sleep(2)
  }
}
