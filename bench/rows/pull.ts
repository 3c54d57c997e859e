import { existsSync, mkdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Runtime } from 'libpod-ts'
import { push, startRegistry } from '../../test/support/registry.ts'
import type { Bench, Row } from '../bench.ts'
import { command, pathOf } from '../commands.ts'
import { loopDelay } from '../event-loop.ts'
import { bare } from '../floor.ts'
import { compare, onQuietDisk, timed } from '../interleave.ts'

/** The image that is pulled, and the layer that is nearly all of it. */
interface Pulled {
  readonly archive: string
  readonly tarball: string
}

/** A large image from a registry of this machine: fetched, hashed twice, kept, and extracted. */
export const pull: Row = {
  name: 'pull',
  when: 'once',
  async run(bench) {
    const { workspace, fast, options, signal } = bench
    const { tree } = options
    if (!existsSync(tree) || (await pathOf('docker-registry')) === undefined || (await pathOf('skopeo')) === undefined) return []
    const disk = join(workspace.disk, 'pulls')
    mkdirSync(disk)
    const { archive, tarball } = await makeImage(bench, disk)
    const registry = await startRegistry()
    try {
      const name = `${registry.host}/bench:1`
      push(archive, name)
      const loop: number[] = []
      let number = 0
      const pullOne = async (): Promise<number> => {
        // A root of its own each time: what is there already is not fetched again.
        const runtime = await Runtime.open({ root: join(disk, `root-${++number}`), runRoot: join(fast, `pull-${number}`) })
        try {
          let took = 0
          const pullIt = async (): Promise<void> => {
            took = await timed(() => runtime.images.pull(name, { tlsVerify: false }))
          }
          loop.push(await loopDelay(pullIt))
          return took
        } finally {
          await runtime.close()
        }
      }
      const untar = async (): Promise<number> => {
        const target = join(disk, `tar-${++number}`)
        mkdirSync(target)
        return bare(bench, ['tar', '-xzf', tarball, '-C', target])()
      }
      const compared = await compare(
        onQuietDisk(pullOne),
        { 'tar -xzf': onQuietDisk(untar) },
        { rounds: Math.ceil(options.rounds / 10), signal },
      )
      const what = `pull of ${tree} (${Math.round(statSync(tarball).size / 1e6)} MB)`
      return [{ row: 'pull', what, ...compared, goal: { atMost: 0.65, of: 'tar -xzf' }, loop }]
    } finally {
      await registry.close()
    }
  },
}

async function makeImage({ options: { tree }, fast, signal, say }: Bench, disk: string): Promise<Pulled> {
  say(`packs ${tree}`)
  const tarball = join(disk, 'layer.tar.gz')
  const archive = join(disk, 'image.tar')
  await command(['/bin/sh', '-c', 'tar -C "$1" -c "$2" | gzip -6 >"$3"', 'sh', dirname(tree), basename(tree), tarball], { signal })
  const runtime = await Runtime.open({ root: join(disk, 'root-0'), runRoot: join(fast, 'pull-0') })
  try {
    const image = await runtime.images.import(tarball, { tag: 'localhost/bench:1', signal })
    await image.save({ path: archive, signal })
  } finally {
    await runtime.close()
  }
  return { archive, tarball }
}
