import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestEngine } from './engine.ts'

/** What an engine has: its objects, and the files that belong to one object each. */
export interface Footprint {
  readonly containers: readonly string[]
  readonly images: readonly string[]
  readonly files: readonly string[]
}

/** Files that come and go without belonging to an object. */
const passing = /^(root\/events|run\/(locks|seccomp|doorbell|oci-runtimes\.json|runc|crun)|root\/[^/]*\.mdb|run\/[^/]*\.mdb)/

/** Reads it, for a comparison of before and after. */
export async function footprint({ runtime, root, runRoot }: TestEngine): Promise<Footprint> {
  const [containers, images, inRoot, inRun] = await Promise.all([
    runtime.containers.list(),
    runtime.images.list(),
    filesOf(root),
    filesOf(runRoot),
  ])
  const files = [...inRoot.map((path) => `root/${path}`), ...inRun.map((path) => `run/${path}`)].filter((path) => !passing.test(path))
  return { containers: containers.map(({ id }) => id), images: images.map(({ id, names }) => `${id} ${names.join()}`), files: files.sort() }
}

/** Everything below a folder, four levels deep: that is where objects begin. */
async function filesOf(folder: string, depth = 4, prefix = ''): Promise<string[]> {
  if (depth === 0) return []
  const entries = await readdir(join(folder, prefix), { withFileTypes: true }).catch(() => [])
  const below = await Promise.all(
    entries.map(async (entry) => {
      const path = join(prefix, entry.name)
      return entry.isDirectory() ? [path, ...(await filesOf(folder, depth - 1, path))] : [path]
    }),
  )
  return below.flat()
}
