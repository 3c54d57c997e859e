import { mkdirSync, rmdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ErrorCode, isLibpodError } from '../base/errors.ts'
import type { Json } from '../state/state-store.ts'
import type { Snapshotter } from './snapshotter.ts'

/** Makes a committed snapshot that holds a few files of its own. */
export async function commitTestLayer(
  snapshots: Snapshotter,
  name: string,
  files: Readonly<Record<string, string>>,
  parent?: string,
): Promise<void> {
  const active = `making-${name}`
  await snapshots.prepare(active, parent === undefined ? {} : { parent })
  const { path } = await snapshots.extractTarget(active)
  for (const [file, text] of Object.entries(files)) await writeFile(join(path, file), text)
  await snapshots.commit(name, active)
}

/** What the other processes of the conformance cases do. @public */
export const snapshotterPeerJobs: Readonly<
  Record<string, (snapshots: Snapshotter, input: Readonly<Record<string, Json>>) => Promise<Json>>
> = {
  /** Makes the one snapshot that all want to make, so many times; tells how often it was not alone. */
  async contend(snapshots, { name, rounds, path }) {
    let overlaps = 0
    for (let won = 0; won < Number(rounds); ) {
      if (!(await succeeds(snapshots.prepare(String(name)), 'already-exists'))) continue
      won++
      try {
        mkdirSync(String(path))
        await snapshots.stat(String(name))
        rmdirSync(String(path))
      } catch {
        overlaps++
      }
      await snapshots.remove(String(name))
    }
    return overlaps
  },
  /** Puts a child on top of `parent` where that exists, looks whether it is whole, and removes it, so many times. */
  async adopt(snapshots, { rounds }) {
    const outcome = { made: 0, refused: 0, broken: 0 }
    while (outcome.made < Number(rounds)) {
      if (!(await succeeds(snapshots.prepare('child', { parent: 'parent' }), 'not-found'))) {
        outcome.refused++
        continue
      }
      outcome.made++
      if ((await snapshots.stat('parent')) === undefined) outcome.broken++
      if ((await snapshots.mounts('child')).length === 0) outcome.broken++
      await snapshots.remove('child')
    }
    return outcome
  },
  /** Removes `parent` where it has no child, and makes it again, until there is a snapshot `stop`; tells how often it could. */
  async orphan(snapshots) {
    for (let removed = 0; ; ) {
      if (await succeeds(snapshots.remove('parent'), 'in-use')) {
        removed++
        await commitTestLayer(snapshots, 'parent', { file: 'text' })
        await new Promise((resolve) => setTimeout(resolve, 3 * Math.random()))
      }
      if (await snapshots.stat('stop')) return removed
    }
  },
  /** Makes, commits and removes snapshots until it is killed. A committed one has the files `first` and `last`. */
  async churn(snapshots, { name }) {
    for (let round = 0; ; round++) {
      const [base, top] = [`${name}-${round}`, `${name}-${round}-top`]
      await commitTestLayer(snapshots, base, { first: base, last: base })
      await commitTestLayer(snapshots, top, { first: top, last: top }, base)
      await snapshots.prepare(`${top}-active`, { parent: top })
      if (round % 3 === 0) continue
      await snapshots.remove(`${top}-active`)
      await snapshots.remove(top)
      await snapshots.remove(base)
    }
  },
}

async function succeeds(attempt: Promise<void>, expected: ErrorCode): Promise<boolean> {
  try {
    await attempt
    return true
  } catch (error) {
    if (isLibpodError(error, expected)) return false
    throw error
  }
}
