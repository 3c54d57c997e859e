import { existsSync } from 'node:fs'

/** A way to look at the machine: which OCI runtime works, and how a program is started that sees it so. */
export interface View {
  readonly runtime: 'runc' | 'crun'
  readonly title: string
  /** What stands before the program. */
  readonly prefix: readonly string[]
}

const hybrid = '/sys/fs/cgroup/unified'

/** The machine as it is, and without the v2 part of a hybrid cgroup tree, which crun refuses. */
export function views(): View[] {
  const hidden = existsSync(`${hybrid}/cgroup.controllers`)
  // Bridges and rules are made where nobody else sees them.
  const network = (...others: readonly string[]): string[] => ['unshare', '--net', ...others, '/bin/sh', '-c']
  const begin = 'ip link set lo up && exec "$@"'
  return [
    { runtime: 'runc', title: 'runc, the machine as it is', prefix: [...network(), begin, 'sh'] },
    {
      runtime: 'crun',
      title: `crun, ${hidden ? 'in a mount namespace without the v2 half of the cgroups' : 'the machine as it is'}`,
      prefix: hidden
        ? [...network('--mount', '--propagation', 'private'), `umount ${hybrid} && ${begin}`, 'sh']
        : [...network(), begin, 'sh'],
    },
  ]
}
