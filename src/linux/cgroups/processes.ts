import { LibpodError } from '../../base/errors.ts'
import { sleep } from '../../base/time.ts'
import { isGone, parseFlatKeyed, readControl, subtree, writeControl } from './files.ts'
import { type CgroupPaths, directoryFor } from './paths.ts'

/** Whether the processes of a cgroup are stopped by the freezer. */
export type FreezeState = 'thawed' | 'freezing' | 'frozen'

/** The trees in which the runtimes surely make a cgroup, best first. */
const treesWithProcesses = ['pids', 'freezer', 'devices', 'memory', 'systemd']

/** Every process in a cgroup and below it, ascending. Empty when there is no such cgroup. */
export async function readPids(paths: CgroupPaths): Promise<number[]> {
  const directory = processDirectory(paths)
  if (directory === undefined) return []
  const lists = await Promise.all((await subtree(directory)).map(readOwnPids))
  return [...new Set(lists.flat())].sort((a, b) => a - b)
}

/** What the freezer does to a cgroup; `undefined` when there is no such cgroup. */
export async function freezeState(paths: CgroupPaths): Promise<FreezeState | undefined> {
  const v1 = paths.v1['freezer']
  if (v1 !== undefined) {
    const state = (await readControl(v1, 'freezer.state'))?.trim()
    return state === undefined ? undefined : state === 'FROZEN' ? 'frozen' : state === 'FREEZING' ? 'freezing' : 'thawed'
  }
  const events = await readControl(paths.unified, 'cgroup.events')
  if (events === undefined) return undefined
  if (parseFlatKeyed(events).get('frozen') === 1) return 'frozen'
  return (await readControl(paths.unified, 'cgroup.freeze'))?.trim() === '1' ? 'freezing' : 'thawed'
}

/** Stops or continues all processes of a cgroup, and waits until they are, for `timeoutMs` at most. */
export async function setFrozen(
  paths: CgroupPaths,
  frozen: boolean,
  { timeoutMs = 2000 }: { readonly timeoutMs?: number } = {},
): Promise<boolean> {
  const wanted: FreezeState = frozen ? 'frozen' : 'thawed'
  const deadline = performance.now() + timeoutMs
  for (let wait = 1; ; wait = Math.min(wait * 2, 50)) {
    // v1 may get stuck half-way while processes fork; asking again helps.
    await askFreezer(paths, frozen)
    const state = await freezeState(paths)
    if (state === wanted || state === undefined) return state !== undefined
    if (performance.now() > deadline) return false
    await sleep(wait)
  }
}

/** Kills every process in a cgroup and below it, and waits until none is left. Rejects with `conflict` when some stay. */
export async function killCgroup(paths: CgroupPaths, { timeoutMs = 10_000 }: { readonly timeoutMs?: number } = {}): Promise<void> {
  const deadline = performance.now() + timeoutMs
  const atOnce = await killAtOnce(paths)
  for (let wait = 1; ; wait = Math.min(wait * 2, 50)) {
    if (!atOnce) await killEach(paths)
    const left = await readPids(paths)
    if (left.length === 0) return
    if (performance.now() > deadline) throw survivors(left)
    await sleep(wait)
  }
}

/** Since Linux 5.14, in a v2 tree that has all the processes. */
async function killAtOnce(paths: CgroupPaths): Promise<boolean> {
  if (paths.unified === undefined || Object.keys(paths.v1).length > 0) return false
  try {
    await writeControl(paths.unified, 'cgroup.kill', '1')
    return true
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}

/** Frozen processes cannot fork, and their pids cannot become somebody else's between the look and the signal. */
async function killEach(paths: CgroupPaths): Promise<void> {
  await setFrozen(paths, true, { timeoutMs: 100 }).catch(() => false)
  try {
    for (const pid of await readPids(paths)) kill(pid)
  } finally {
    // A frozen process does not die on v1; a cgroup that was frozen by itself does not thaw with those above it.
    const v1 = paths.v1['freezer']
    if (v1 === undefined) await askFreezer(paths, false)
    else for (const directory of await subtree(v1)) await askFreezer({ v1: { freezer: directory } }, false)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function askFreezer(paths: CgroupPaths, frozen: boolean): Promise<void> {
  const v1 = paths.v1['freezer']
  try {
    if (v1 !== undefined) await writeControl(v1, 'freezer.state', frozen ? 'FROZEN' : 'THAWED')
    else if (paths.unified !== undefined) await writeControl(paths.unified, 'cgroup.freeze', frozen ? '1' : '0')
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

/** Where processes of a cgroup are listed: a tree of one of our controllers, else the unified one. */
function processDirectory(paths: CgroupPaths): string | undefined {
  const controller = treesWithProcesses.find((name) => paths.v1[name] !== undefined)
  return controller === undefined ? paths.unified : directoryFor(paths, controller)
}

async function readOwnPids(directory: string): Promise<number[]> {
  // A threaded v2 cgroup lists threads only; their processes show in the cgroup above.
  const text = await readControl(directory, 'cgroup.procs')
  return (text ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map(Number)
    .filter((pid) => pid > 0)
}

function survivors(pids: readonly number[]): LibpodError {
  return new LibpodError(
    'conflict',
    `Process ${pids.join(', ')} could not be killed.`,
    { what: `process ${pids.join(', ')}` },
    { hint: 'It waits inside the kernel, most often for a disk or a network file system.' },
  )
}
