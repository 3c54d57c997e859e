// Preloaded into the workers of the tests: each has a cgroup of its own, which it and all it starts take for the root of the
// tree, and mounts of its own. So several files can run side by side, and each sees what it left behind itself and nothing
// else. It has to be the very first thing a process does: threads that run already would stay in the old namespaces. Without root,
// or where the tree is v2 and systemd's, nothing is done. test/support/cgroups-of-workers.ts takes the cgroups away.
const { appendFileSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs')
const { CLONE_NEWCGROUP, mount, unmount, unshareMounts } = require('./libc.cjs')

const trees = process.geteuid() === 0 ? treesOf(readFileSync('/proc/self/mountinfo', 'utf8')) : []
if (trees.some(({ type }) => type === 'cgroup')) {
  for (const tree of trees) enterOwn(tree)
  unshareMounts(CLONE_NEWCGROUP)
  for (const { path, type, options } of trees) {
    unmount(path)
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
