import { existsSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from './eventually.ts'

const top = '/sys/fs/cgroup'

/** A global setup: takes away the cgroups that own-cgroups.cjs made, of this run when it ends, and of runs that were killed. */
export default async function cgroupsOfWorkers(): Promise<() => Promise<void>> {
  await remove((parent) => !existsSync(`/proc/${parent}`))
  return () => remove((parent) => Number(parent) === process.pid)
}

async function remove(isOver: (parent: string) => boolean): Promise<void> {
  // Only root's workers have some.
  if (process.geteuid?.() !== 0) return
  for (const tree of readdirSync(top, { withFileTypes: true })) {
    if (!tree.isDirectory()) continue
    for (const name of readdirSync(join(top, tree.name))) {
      const parent = /^libpod-ts-test-(\d+)-\d+$/.exec(name)?.[1]
      // The last processes of a worker may still be ending.
      if (parent !== undefined && isOver(parent)) await eventually(() => removeTree(join(top, tree.name, name)))
    }
  }
}

/** Cgroups are folders whose files cannot and need not be removed. */
function removeTree(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) if (entry.isDirectory()) removeTree(join(path, entry.name))
  rmdirSync(path)
}
