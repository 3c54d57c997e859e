// Preloaded into the workers that test crun. On a host whose cgroup tree is a hybrid crun refuses to work; without the mount
// of the v2 part, which only this process and its children lose, it is a v1 tree. It has to be the very first thing a process
// does: threads that run already would stay in the old mount namespace, and see the mount through fs.promises.
const { existsSync } = require('node:fs')
const koffi = require('koffi')

const unified = '/sys/fs/cgroup/unified'
const CLONE_NEWNS = 0x20000
const MS_REC = 0x4000
const MS_SLAVE = 0x80000
const MNT_DETACH = 2
const MS_NOSUID_NODEV_NOEXEC = 0xe

if (existsSync(`${unified}/cgroup.procs`)) {
  const libc = koffi.load(null)
  const call = (name, signature, ...values) => {
    if (libc.func(signature)(...values) !== 0) throw new Error(`${name} failed with errno ${koffi.errno()}`)
  }
  call('unshare', 'int unshare(int flags)', CLONE_NEWNS)
  call('mount', 'int mount(str source, str target, str type, unsigned long flags, str data)', 'none', '/', null, MS_REC | MS_SLAVE, null)
  call('umount2', 'int umount2(str target, int flags)', unified, MNT_DETACH)
  // crun makes a folder for each container there all the same, and leaves it: here it goes with this namespace.
  call(
    'mount',
    'int mount(str source, str target, str type, unsigned long flags, str data)',
    'tmpfs',
    unified,
    'tmpfs',
    MS_NOSUID_NODEV_NOEXEC,
    null,
  )
}
