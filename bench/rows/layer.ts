import { existsSync, mkdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Runtime } from 'libpod-ts'
import type { Row } from '../bench.ts'
import { command } from '../commands.ts'
import { loopDelay } from '../event-loop.ts'
import { bare } from '../floor.ts'
import { compare, onQuietDisk, timed } from '../interleave.ts'

/** A large layer: its bytes are hashed twice, kept, and extracted. */
export const layer: Row = {
  name: 'layer',
  when: 'once',
  async run(bench) {
    const { workspace, fast, options, signal, say } = bench
    const { tree } = options
    if (!existsSync(tree)) return []
    const disk = join(workspace.disk, 'layers')
    mkdirSync(disk)
    say(`packs ${tree}`)
    const tarball = join(disk, 'layer.tar.gz')
    await command(['/bin/sh', '-c', 'tar -C "$1" -c "$2" | gzip -6 >"$3"', 'sh', dirname(tree), basename(tree), tarball], { signal })
    const loop: number[] = []
    let number = 0
    const importOne = async (): Promise<number> => {
      // A root of its own each time: a layer that is there already is not extracted again.
      const places = { root: join(disk, `root-${++number}`), runRoot: join(fast, `layer-${number}`) }
      const runtime = await Runtime.open(places)
      try {
        let took = 0
        const importIt = async (): Promise<void> => {
          took = await timed(() => runtime.images.import(tarball, { tag: 'localhost/layer' }))
        }
        loop.push(await loopDelay(importIt))
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
    const rounds = Math.ceil(options.rounds / 10)
    const compared = await compare(onQuietDisk(importOne), { 'tar -xzf': onQuietDisk(untar) }, { rounds, signal })
    const what = `import of ${tree} (${Math.round(statSync(tarball).size / 1e6)} MB)`
    return [{ row: 'layer', what, ...compared, loop }]
  },
}
