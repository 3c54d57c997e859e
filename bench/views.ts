import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** A way to look at the machine: which OCI runtime works, and how a program is started that sees it so. */
export interface View {
  readonly name: ViewName
  readonly runtime: 'runc' | 'crun'
  readonly title: string
  /** What stands before the program. */
  readonly prefix: readonly string[]
  /** Options of node for it. */
  readonly execArgv?: readonly string[]
}

/** What a view is called, in the rows that say where they are measured. */
export type ViewName = 'runc' | 'crun' | 'rootless'

const hybrid = '/sys/fs/cgroup/unified'

/**
 * The machine as it is; without the v2 part of a hybrid cgroup tree, which crun refuses, but makes a folder in for each container; and as an
 * ordinary user, where it does not matter.
 */
export function views(): View[] {
  const hidden = existsSync(`${hybrid}/cgroup.controllers`)
  // Bridges and rules are made where nobody else sees them.
  const network = (...others: readonly string[]): string[] => ['unshare', '--net', ...others, '/bin/sh', '-c']
  const begin = 'ip link set lo up && exec "$@"'
  return [
    { name: 'runc', runtime: 'runc', title: 'runc, the machine as it is', prefix: [...network(), begin, 'sh'] },
    {
      name: 'crun',
      runtime: 'crun',
      title: `crun, ${hidden ? 'in a mount namespace without the v2 half of the cgroups' : 'the machine as it is'}`,
      prefix: hidden
        ? [...network('--mount', '--propagation', 'private'), `umount ${hybrid} && mount -t tmpfs tmpfs ${hybrid} && ${begin}`, 'sh']
        : [...network(), begin, 'sh'],
    },
    {
      name: 'rootless',
      runtime: 'crun',
      title: 'crun, as an ordinary user',
      prefix: [],
      execArgv: ['--require', join(import.meta.dirname, '../test/support/as-ordinary-user.cjs')],
    },
  ]
}
