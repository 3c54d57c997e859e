import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'

/** What the command line asks for. */
export interface BenchOptions {
  /** Rows by name; all if empty. */
  readonly only: readonly string[]
  /** How often each thing is done. */
  readonly rounds: number
  /** How many containers run when "the 1,000th" is started. */
  readonly many: number
  /** Where the results are written. */
  readonly json: string | undefined
  /** Containers are made of an exploded tree rather than an image: no snapshots, no overlay. */
  readonly rootfs: boolean
  /** The command that Podman is called by. */
  readonly podman: readonly string[]
  /** The tree that the layer is made of. */
  readonly tree: string
}

export const usage = `npm run bench -- [options]

  --only ROW       only this row; may be given several times, or as a list: --only life,exec
  --rounds N       how often each thing is done (30; 8 with --quick)
  --many N         how many containers run for the row "many" (1000; 100 with --quick)
  --quick          fewer of everything: a look, not a measurement
  --rootfs         containers of an exploded tree rather than an image
  --podman 'CMD …' the command that Podman is called by (podman)
  --tree PATH      the tree that the rows "layer" and "pull" make their tarball of (the machine's libraries: some
                   hundred MB in some thousand files, as large images have; /usr/share has few bytes in many files)
  --json FILE      write all times to this file
`

const libraries = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64']

/** Throws a text for people when the arguments make no sense. */
export function parseArguments(args: readonly string[], rows: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      many: { type: 'string' },
      quick: { type: 'boolean' },
      rootfs: { type: 'boolean' },
      podman: { type: 'string' },
      tree: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return 'help'
  const only = (values.only ?? []).flatMap((list) => list.split(',')).filter((name) => name !== '')
  const unknown = only.find((name) => !rows.includes(name))
  if (unknown !== undefined) throw new Error(`There is no row ${unknown}; there are ${rows.join(', ')}.`)
  return {
    only,
    rounds: count('rounds', values.rounds, values.quick ? 8 : 30),
    many: count('many', values.many, values.quick ? 100 : 1000),
    json: values.json,
    rootfs: values.rootfs ?? false,
    podman: (values.podman ?? 'podman').split(' ').filter((word) => word !== ''),
    tree: values.tree ?? libraries.find((path) => existsSync(path)) ?? '/usr/share',
  }
}

function count(name: string, given: string | undefined, otherwise: number): number {
  const number = given === undefined ? otherwise : Number(given)
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} wants a number, not ${given}.`)
  return number
}
