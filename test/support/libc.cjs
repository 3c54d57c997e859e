// What the preloaded scripts beside this file have the kernel do, and the numbers it goes by.
const koffi = require('koffi')

const CLONE_NEWNS = 0x20000
const CLONE_NEWCGROUP = 0x2000000
const CLONE_NEWNET = 0x40000000
const MS_NOSUID_NODEV_NOEXEC = 0xe
const MS_BIND = 0x1000
const MS_REC = 0x4000
const MS_SLAVE = 0x80000
const MNT_DETACH = 2
const PR_SET_DUMPABLE = 4

const libc = koffi.load(null)

function unshare(flags) {
  call('unshare', 'int unshare(int flags)', flags)
}

function mount(source, target, type, flags, data) {
  const signature = 'int mount(str source, str target, str type, unsigned long flags, str data)'
  call(`mounting ${target}`, signature, source, target, type, flags, data)
}

function unmount(target) {
  call(`unmounting ${target}`, 'int umount2(str target, int flags)', target, MNT_DETACH)
}

/** Mounts of its own, in which what others mount appears, and not the other way round. */
function unshareMounts(more = 0) {
  unshare(CLONE_NEWNS | more)
  mount('none', '/', null, MS_REC | MS_SLAVE, null)
}

/** What /proc tells of a process that has changed its user would belong to root otherwise, as if it had a secret to keep. */
function setDumpable() {
  call('prctl', 'int prctl(int option, unsigned long value)', PR_SET_DUMPABLE, 1)
}

function call(what, signature, ...values) {
  if (libc.func(signature)(...values) !== 0) throw new Error(`${what} failed with errno ${koffi.errno()}`)
}

module.exports = {
  CLONE_NEWCGROUP,
  CLONE_NEWNET,
  MS_BIND,
  MS_NOSUID_NODEV_NOEXEC,
  MS_REC,
  mount,
  setDumpable,
  unmount,
  unshare,
  unshareMounts,
}
