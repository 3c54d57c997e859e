// Preloaded into the workers of integration tests: each has a cgroup of its own, which it and all it starts take for the root of the
// tree, and mounts of its own. So several files can run side by side, and each sees what it left behind itself and nothing
// else. It has to be the very first thing a process does: threads that run already would stay in the old namespaces. Without root,
// or where the tree is v2 and systemd's, nothing is done. test/support/cgroups-of-workers.ts takes the cgroups away.
const { appendFileSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs')
const koffi = require('koffi')

const CLONE_NEWNS = 0x20000
const CLONE_NEWCGROUP = 0x2000000
const MS_REC = 0x4000
const MS_SLAVE = 0x80000
const MNT_DETACH = 2

const libc = koffi.load(null)
const trees = process.geteuid() === 0 ? treesOf(readFileSync('/proc/self/mountinfo', 'utf8')) : []
if (trees.some(({ type }) => type === 'cgroup')) {
  for (const tree of trees) enterOwn(tree)
  call('unshare', 'int unshare(int flags)', CLONE_NEWNS | CLONE_NEWCGROUP)
  mount('none', '/', null, MS_REC | MS_SLAVE, null)
  for (const { path, type, options } of trees) {
    call(`unmounting ${path}`, 'int umount2(str target, int flags)', path, MNT_DETACH)
    mount(type, path, type, 0, options)
  }
}

/** The mounted cgroup trees, with what they are mounted with. */
function treesOf(mountinfo) {
  return mountinfo.split('\n').flatMap((line) => {
    const [place = '', kind = ''] = line.split(' - ')
    const [type, , superOptions = ''] = kind.split(' ')
    if (type !== 'cgroup' && type !== 'cgroup2') return []
    const options = superOptions
      .split(',')
      .filter((option) => !/^(rw|ro|release_agent=.*|xattr|nsdelegate|memory_recursiveprot)$/.test(option))
    if (options.some((option) => option.startsWith('name='))) options.unshift('none')
    return [{ path: place.split(' ')[4], type, options: type === 'cgroup' ? options.join() : null }]
  })
}

function enterOwn({ path }) {
  const own = `${path}/libpod-ts-test-${process.ppid}-${process.pid}`
  mkdirSync(own)
  if (path.includes('cpuset'))
    for (const file of ['cpuset.cpus', 'cpuset.mems']) writeFileSync(`${own}/${file}`, readFileSync(`${path}/${file}`))
  appendFileSync(`${own}/cgroup.procs`, String(process.pid))
}

function mount(source, target, type, flags, data) {
  const signature = 'int mount(str source, str target, str type, unsigned long flags, str data)'
  call(`mounting ${target}`, signature, source, target, type, flags, data)
}

function call(what, signature, ...values) {
  if (libc.func(signature)(...values) !== 0) throw new Error(`${what} failed with errno ${koffi.errno()}`)
}
