// Preloaded into the workers that test without root: the worker becomes an ordinary user with subordinate ids, who exists only in its own
// mount namespace, so that nothing is changed on the machine and nothing has to be taken back. It has to be the very first
// thing a process does: threads that run already would stay in the old mount namespace. Whoever is no root already stays who he is.
const { execFileSync } = require('node:child_process')
const { appendFileSync, chownSync, existsSync, mkdirSync, statSync } = require('node:fs')
const { basename, dirname, resolve } = require('node:path')
const { CLONE_NEWNET, MS_BIND, MS_REC, mount, setDumpable, unshareMounts } = require('./libc.cjs')

const uid = 47110
const name = 'libpod-ts-test'
const subordinate = '471100000:65536'
const place = '/mnt'

if (process.geteuid() === 0) becomeOrdinary()

function becomeOrdinary() {
  unshareMounts(CLONE_NEWNET)
  // A network of its own, with a way to the outside that ends at once: pasta wants to see one.
  const script =
    'link set lo up\nlink add up0 type veth peer name up1\nlink set up0 up\nlink set up1 up\naddr add 192.0.2.10/24 dev up0\nroute add default via 192.0.2.1\n'
  execFileSync('/sbin/ip', ['-batch', '-'], { input: script })
  mount('tmpfs', place, 'tmpfs', 0, 'mode=755')
  for (const folder of ['etc', 'work', 'home', 'run', 'kept']) mkdirSync(`${place}/${folder}`, 0o755)
  openToAll('/dev/net/tun')
  mount('overlay', '/etc', 'overlay', 0, `lowerdir=/etc,upperdir=${place}/etc,workdir=${place}/work`)
  appendFileSync('/etc/passwd', `${name}:x:${uid}:${uid}::${place}/home:/bin/sh\n`)
  appendFileSync('/etc/group', `${name}:x:${uid}:\n`)
  for (const file of ['subuid', 'subgid']) appendFileSync(`/etc/${file}`, `${name}:${subordinate}\n`)
  for (const folder of ['home', 'run']) chownSync(`${place}/${folder}`, uid, uid)
  for (const [index, folder] of [resolve(__dirname, '../..'), dirname(process.execPath)].entries()) makeReachable(folder, index)
  process.setgroups([])
  process.setgid(uid)
  process.setuid(uid)
  setDumpable()
  Object.assign(process.env, { HOME: `${place}/home`, XDG_RUNTIME_DIR: `${place}/run`, USER: name, LOGNAME: name })
}

/** Elsewhere it is, and here it may not be; only this worker sees that it is. */
function openToAll(device) {
  if (!existsSync(device) || (statSync(device).mode & 0o006) === 0o006) return
  const copy = `${place}/${basename(device)}`
  execFileSync('/bin/mknod', ['-m', '666', copy, 'c', '10', '200'])
  mount(copy, device, null, MS_BIND, null)
}

/** A clone below /root, say, is shown in a place of the same name that everybody can go to. */
function makeReachable(folder, index) {
  const barred = ancestors(folder).find((path) => (statSync(path).mode & 0o001) === 0)
  if (barred === undefined) return
  const kept = `${place}/kept/${index}`
  mkdirSync(kept)
  mount(folder, kept, null, MS_BIND | MS_REC, null)
  mount('tmpfs', barred, 'tmpfs', 0, 'mode=755')
  mkdirSync(folder, { recursive: true })
  mount(kept, folder, null, MS_BIND | MS_REC, null)
}

/** From the top down, without the folder itself. */
function ancestors(folder) {
  const parent = dirname(folder)
  return parent === folder ? [] : [...ancestors(parent), parent]
}
