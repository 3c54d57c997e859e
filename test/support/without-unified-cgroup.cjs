// Preloaded into the workers that test crun. On a host whose cgroup tree is a hybrid crun refuses to work; without the mount
// of the v2 part, which only this process and its children lose, it is a v1 tree. It has to be the very first thing a process
// does: threads that run already would stay in the old mount namespace, and see the mount through fs.promises.
const { existsSync } = require('node:fs')
const { MS_NOSUID_NODEV_NOEXEC, mount, unmount, unshareMounts } = require('./libc.cjs')

const unified = '/sys/fs/cgroup/unified'

if (existsSync(`${unified}/cgroup.procs`)) {
  unshareMounts()
  unmount(unified)
  // crun makes a folder for each container there all the same, and leaves it: here it goes with this namespace.
  mount('tmpfs', unified, 'tmpfs', MS_NOSUID_NODEV_NOEXEC, null)
}
