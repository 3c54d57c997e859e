// Preloaded into the workers of integration tests: nothing of them reaches the network of this machine. It has to be the very first
// thing a process does: threads that run already would stay in the old network namespace.
const { execFileSync } = require('node:child_process')
const { CLONE_NEWNET, unshare } = require('./libc.cjs')

unshare(CLONE_NEWNET)
execFileSync('/sbin/ip', ['link', 'set', 'lo', 'up'])
