import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openLmdbStore } from 'libpod-ts/state/lmdb'
import { ifThere } from './if-there.ts'
import { isCgroupTree } from './machine.ts'

/** A root for tests to kill engines on: where it lies, and the word that names its cgroups. */
export interface TracedPlace {
  readonly root: string
  readonly runRoot: string
  readonly cgroupParent: string
}

/** All that an engine can leave behind. Of this place only: other tests of the machine leave theirs meanwhile. */
export interface Traces {
  readonly mounts: readonly string[]
  readonly processes: readonly string[]
  readonly cgroups: readonly string[]
  readonly files: readonly string[]
  readonly keys: readonly string[]
}

/** Looks at everything. No engine may be open. */
export async function tracesOf(place: TracedPlace): Promise<Traces> {
  const [cgroups, files, keys] = await Promise.all([cgroupsOf(place), filesOf(place), keysOf(place)])
  return { mounts: mountsOf(place), processes: processesOf(place), cgroups, files, keys }
}

/**
 * Processes that name the place in their command line, or are in its cgroups (of an ordinary user: in a user namespace); as `pid
 * command line`.
 */
export function processesOf({ root, runRoot, cgroupParent }: TracedPlace): string[] {
  const namespace = userNamespaceOf(runRoot)
  const found = pids().flatMap((pid) => {
    const command = readNow(`/proc/${pid}/cmdline`)
    if (Number(pid) === process.pid || command === '') return []
    const line = command.replaceAll('\0', ' ').trim()
    const isOfPlace = line.includes(root) || line.includes(runRoot) || readNow(`/proc/${pid}/cgroup`).includes(cgroupParent)
    return isOfPlace || isInNamespace(pid, namespace) ? [`${pid} ${line}`] : []
  })
  return found.sort()
}

/** The user namespace in which the engines of a run root have their containers, if they are an ordinary user's. */
function userNamespaceOf(runRoot: string): string | undefined {
  const text = readNow(join(runRoot, 'namespaces.json'))
  return text === '' ? undefined : (JSON.parse(text) as { readonly user: string }).user
}

function isInNamespace(pid: string, namespace: string | undefined): boolean {
  if (namespace === undefined) return false
  const found = ifThere(() => statSync(`/proc/${pid}/ns/user`))
  return found !== undefined && `${found.dev}:${found.ino}` === namespace
}

/** Mounts in any mount namespace of the machine. */
function mountsOf({ root, runRoot }: TracedPlace): string[] {
  const namespaces = new Map<string, string>()
  for (const pid of pids()) namespaces.set(ifThere(() => readlinkSync(`/proc/${pid}/ns/mnt`)) ?? '', pid)
  const tables = [...namespaces.values()].map((pid) => readNow(`/proc/${pid}/mountinfo`))
  const points = tables.flatMap((table) => table.split('\n')).map((line) => line.split(' ')[4] ?? '')
  return points.filter((point) => point.startsWith(`${root}/`) || point.startsWith(`${runRoot}/`)).sort()
}

/** The cgroups of its containers, in every tree. */
export async function cgroupsOf({ cgroupParent }: TracedPlace): Promise<string[]> {
  const top = '/sys/fs/cgroup'
  const trees = [top, ...(await readdir(top)).map((name) => join(top, name)).filter(isCgroupTree)]
  const found = await Promise.all(
    trees.map(async (tree) => {
      const entries = await readdir(join(tree, cgroupParent), { withFileTypes: true }).catch(() => [])
      return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(tree, cgroupParent, name))
    }),
  )
  return found.flat().sort()
}

/**
 * What is only remembered to be faster, and grows with time, but not with what was done; and the beginnings of blobs that are named by
 * their digest, which wait for a day to be gone on with.
 */
const caches = /^(root\/events\/|runRoot\/(seccomp|oci-runtimes)|.*\.mdb|root\/storage\/content\/ingest\/sha256:)/

async function filesOf({ root, runRoot }: TracedPlace): Promise<string[]> {
  const walk = async (directory: string, shown: string): Promise<string[]> => {
    const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
    const below = entries.map(async (entry) => {
      const path = `${shown}/${entry.name}`
      // Trees of layers are compared by the names of their snapshots.
      return entry.isDirectory() && entry.name !== 'fs' ? [`${path}/`, ...(await walk(join(directory, entry.name), path))] : [path]
    })
    return (await Promise.all(below)).flat()
  }
  const all = [...(await walk(root, 'root')), ...(await walk(runRoot, 'runRoot'))]
  return all.filter((path) => !caches.test(path)).sort()
}

/** The keys of both stores: leases, links, names and live entries are all there. */
async function keysOf({ root, runRoot }: TracedPlace): Promise<string[]> {
  const keys: string[] = []
  for (const [name, path] of Object.entries({ state: join(root, 'state.mdb'), live: join(runRoot, 'live.mdb') })) {
    const store = await openLmdbStore({ path, durable: false })
    for (let after: string | undefined; ; ) {
      const page = await store.list('', { limit: 1000, ...(after === undefined ? {} : { after }) })
      // How removed containers ended is remembered for a minute.
      keys.push(...page.filter(({ key }) => !key.startsWith('live/exit/')).map(({ key }) => `${name}: ${key}`))
      if (page.length < 1000) break
      after = page.at(-1)?.key
    }
    await store.close()
  }
  return keys
}

function pids(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
}

/** Of /proc, which answers at once: asking for it would take longer, and there is much to read, again and again. */
function readNow(path: string): string {
  return ifThere(() => readFileSync(path, 'utf8')) ?? ''
}
