import { mkdir, readFile, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { LibpodError } from '../../base/errors.ts'
import { sleep } from '../../base/time.ts'
import { isErrno } from '../errno.ts'
import { mapFsError } from '../fs/disk.ts'
import type { CgroupHost } from './detect.ts'
import { isGone, readControl, subtree, writeControl } from './files.ts'
import { hierarchyPath } from './membership.ts'
import { type CgroupPaths, cgroupPaths, directoriesOf } from './paths.ts'

/** Makes a cgroup in every tree, with its parents, ready to take processes. It may exist already. */
export async function createCgroup(host: CgroupHost, path: string): Promise<CgroupPaths> {
  const paths = cgroupPaths(host, path)
  try {
    await Promise.all(directoriesOf(paths).map((directory) => mkdir(directory, { recursive: true })))
  } catch (error) {
    throw mapFsError(error, path)
  }
  const cpuset = host.hierarchies.find(({ version, controllers }) => version === 1 && controllers.includes('cpuset'))
  const unified = host.hierarchies.find(({ version }) => version === 2)
  if (cpuset && paths.v1['cpuset'] !== undefined) await inheritCpuset(paths.v1['cpuset'], hierarchyPath(cpuset, cpuset.root))
  if (unified && paths.unified !== undefined) await delegateControllers(paths.unified, unified.mountPoint, unified.controllers)
  return paths
}

/**
 * Moves a process into a cgroup, in all trees or in those of some controllers only. Gives `false` when it is gone.
 * On v1 the kernel takes 7-30 ms for the first write, so this is best done beside something else.
 */
export async function moveProcess(
  paths: CgroupPaths,
  pid: number,
  { controllers }: { readonly controllers?: readonly string[] } = {},
): Promise<boolean> {
  const chosen =
    controllers === undefined
      ? paths
      : { ...paths, v1: Object.fromEntries(Object.entries(paths.v1).filter(([name]) => controllers.includes(name))) }
  try {
    // One after the other: the first waits for a grace period, the others find it over, and only one thread of the pool is taken.
    for (const directory of directoriesOf(chosen)) await writeControl(directory, 'cgroup.procs', String(pid))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw cgroupFailed(error, directoriesOf(chosen)[0] ?? '')
  }
}

/** Removes a cgroup and all below it from every tree. Processes that are just ending are waited for, for a second at most. */
export async function removeCgroup(paths: CgroupPaths): Promise<void> {
  await Promise.all(directoriesOf(paths).map(removeTreeOf))
}

/** Removes a cgroup from every tree where nothing is in it: neither a process nor another cgroup. */
export async function removeEmptyCgroup(paths: CgroupPaths): Promise<void> {
  await Promise.all(
    directoriesOf(paths).map((directory) =>
      rmdir(directory).catch((error: unknown) => {
        if (!isGone(error) && !isErrno(error, 'EBUSY', 'ENOTEMPTY')) throw cgroupFailed(error, directory)
      }),
    ),
  )
}

/** Whether the cgroup is there, in any tree. */
export async function cgroupExists(paths: CgroupPaths): Promise<boolean> {
  const found = await Promise.all(directoriesOf(paths).map((directory) => readControl(directory, 'cgroup.procs').catch(() => '')))
  return found.some((text) => text !== undefined)
}

async function removeTreeOf(directory: string): Promise<void> {
  const patience = [1, 2, 5, 10, 20, 50, 100, 200, 300, 300]
  for (const cgroup of await subtree(directory)) await removeOne(cgroup, [...patience])
}

async function removeOne(cgroup: string, patience: number[]): Promise<void> {
  try {
    await rmdir(cgroup)
  } catch (error) {
    if (isGone(error)) return
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw cgroupFailed(error, cgroup)
    const wait = patience.shift()
    if (wait === undefined) throw await busy(cgroup, error)
    await sleep(wait)
    await removeOne(cgroup, patience)
  }
}

async function busy(cgroup: string, cause: unknown): Promise<LibpodError> {
  const pids = (await readControl(cgroup, 'cgroup.procs'))?.split('\n').filter((pid) => pid !== '') ?? []
  return new LibpodError(
    'in-use',
    `The cgroup ${cgroup} cannot be removed: ${pids.length === 0 ? 'something below it' : `process ${pids.join(', ')}`} is still in it.`,
    { kind: 'cgroup', ref: cgroup, users: pids.map((pid) => `process/${pid}`) },
    { cause, hint: 'Kill what runs in it first.' },
  )
}

/** A new v1 cpuset has neither CPUs nor memory, and takes no process before it has both. */
async function inheritCpuset(directory: string, top: string): Promise<void> {
  const missing: string[] = []
  for (let at = directory; at !== top && at.length > top.length; at = dirname(at)) missing.unshift(at)
  for (const cgroup of missing)
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if ((await readFile(`${cgroup}/${file}`, 'utf8')).trim() !== '') continue
      await writeControl(cgroup, file, (await readFile(`${dirname(cgroup)}/${file}`, 'utf8')).trim())
    }
}

/** Controllers count in a v2 cgroup only when every one above hands them down. Those that cannot be had are left out. */
async function delegateControllers(directory: string, top: string, controllers: readonly string[]): Promise<void> {
  const above: string[] = []
  for (let at = dirname(directory); at.length >= top.length && at.startsWith(top); at = dirname(at)) above.unshift(at)
  for (const cgroup of above) {
    const enabled = new Set((await readControl(cgroup, 'cgroup.subtree_control'))?.split(/\s+/))
    for (const controller of controllers)
      if (!enabled.has(controller)) await writeControl(cgroup, 'cgroup.subtree_control', `+${controller}`).catch(() => {})
  }
}

function cgroupFailed(error: unknown, cgroup: string): Error {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENODEV')
    return new LibpodError('not-found', `There is no cgroup ${cgroup}.`, { kind: 'cgroup', ref: cgroup }, { cause: error })
  if (code === 'EBUSY' || code === 'EOPNOTSUPP')
    return new LibpodError(
      'conflict',
      `The cgroup ${cgroup} takes no processes: its controllers are handed down to cgroups below it.`,
      { what: `cgroup ${cgroup}` },
      { cause: error, hint: 'Use a cgroup of its own below it.' },
    )
  return mapFsError(error, cgroup)
}
