// Preloaded into the workers of integration tests: nothing of them reaches the network of this machine. It has to be the very first
// thing a process does: threads that run already would stay in the old network namespace.
const { execFileSync } = require('node:child_process')
const koffi = require('koffi')

const CLONE_NEWNET = 0x40000000

const unshare = koffi.load(null).func('int unshare(int flags)')
if (unshare(CLONE_NEWNET) !== 0) throw new Error(`unshare failed with errno ${koffi.errno()}`)
execFileSync('/sbin/ip', ['link', 'set', 'lo', 'up'])
