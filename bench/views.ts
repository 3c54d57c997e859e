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
  return [
    { runtime: 'runc', title: 'runc, the machine as it is', prefix: [] },
    {
      runtime: 'crun',
      title: `crun, ${hidden ? 'in a mount namespace without the v2 half of the cgroups' : 'the machine as it is'}`,
      prefix: hidden ? ['unshare', '--mount', '--propagation', 'private', '/bin/sh', '-c', `umount ${hybrid} && exec "$@"`, 'sh'] : [],
    },
  ]
}
