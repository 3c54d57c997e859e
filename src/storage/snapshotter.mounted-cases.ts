import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mount, unmount } from '../linux/mounts.ts'
import type { SnapshotterCase, SnapshotterCaseContext } from './snapshotter.case-types.ts'
import { commitTestLayer } from './snapshotter.peer.ts'
import type { Snapshotter } from './snapshotter.ts'

/** Mounts a snapshot as it tells, works in it, and unmounts it. */
async function mounted<Result>(
  snapshots: Snapshotter,
  { directory }: SnapshotterCaseContext,
  name: string,
  work: (root: string) => Result,
  options: { readonly readOnly?: boolean; readonly volatile?: boolean } = {},
): Promise<Result> {
  const target = join(directory, 'mounted')
  mkdirSync(target, { recursive: true })
  const specs = await snapshots.mounts(name, options)
  let made = 0
  try {
    for (const spec of specs) {
      mount({ ...spec, target })
      made++
    }
    return work(target)
  } finally {
    for (; made > 0; made--) unmount(target)
  }
}

/** Every file's text, by its path. */
function filesIn(root: string): Record<string, string> {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()
  return Object.fromEntries(names.map((name) => [name, statSync(join(root, name)).isFile() ? readFileSync(join(root, name), 'utf8') : '/']))
}

function mountedCase(name: string, body: (snapshots: Snapshotter, context: SnapshotterCaseContext) => Promise<void>): SnapshotterCase {
  return { name, requires: 'mounting', run: async (context) => body(await context.open(), context) }
}

/** The cases that mount what `mounts` tells. */
export const mountedSnapshotterCases: readonly SnapshotterCase[] = [
  mountedCase('mounts a tree that can be written, and leaves what is below as it was', async (snapshots, context) => {
    await commitTestLayer(snapshots, 'base', { kept: 'kept', changed: 'before', gone: 'gone' })
    const before = { changed: 'before', gone: 'gone', kept: 'kept' }
    const after = { changed: 'after', directory: '/', 'directory/new': 'new', kept: 'kept' }
    for (const name of ['one', 'other']) await snapshots.prepare(name, { parent: 'base' })
    await mounted(snapshots, context, 'one', (root) => {
      assert.deepEqual(filesIn(root), before)
      writeFileSync(join(root, 'changed'), 'after')
      unlinkSync(join(root, 'gone'))
      mkdirSync(join(root, 'directory'))
      writeFileSync(join(root, 'directory/new'), 'new')
      assert.deepEqual(filesIn(root), after)
    })
    for (const [name, expected] of [
      ['one', after],
      ['other', before],
      ['base', before],
    ] as const)
      assert.deepEqual(await mounted(snapshots, context, name, filesIn), expected, name)
  }),
  mountedCase('mounts what must not be written so that it cannot be', async (snapshots, context) => {
    await commitTestLayer(snapshots, 'base', { file: 'text' })
    await commitTestLayer(snapshots, 'top', { more: 'text' }, 'base')
    await snapshots.prepare('active', { parent: 'top' })
    await snapshots.prepare('alone')
    for (const name of ['base', 'top', 'active', 'alone']) {
      const options = name === 'active' || name === 'alone' ? { readOnly: true } : {}
      await mounted(
        snapshots,
        context,
        name,
        (root) => assert.throws(() => writeFileSync(join(root, 'new'), ''), { code: 'EROFS' }, name),
        options,
      )
    }
  }),
  mountedCase('keeps what was written without care for a power cut, too, and can be mounted again', async (snapshots, context) => {
    await commitTestLayer(snapshots, 'base', { file: 'text' })
    await snapshots.prepare('a', { parent: 'base' })
    for (const [at, volatile] of [true, true, false, true].entries())
      await mounted(snapshots, context, 'a', (root) => writeFileSync(join(root, `file${at}`), ''), { volatile })
    assert.deepEqual(await mounted(snapshots, context, 'a', (root) => readdirSync(root)), ['file', 'file0', 'file1', 'file2', 'file3'])
  }),
  mountedCase('shows what layers of layers make together', async (snapshots, context) => {
    const depth = 60
    for (let at = 0; at < depth; at++) {
      const parent = at === 0 ? {} : { parent: `layer${at - 1}` }
      await snapshots.prepare('making', parent)
      const build = (root: string): void => {
        writeFileSync(join(root, `file${at}`), String(at))
        writeFileSync(join(root, 'latest'), String(at))
        mkdirSync(join(root, 'directory'), { recursive: true })
        writeFileSync(join(root, 'directory', String(at)), '')
        if (at % 2 === 1) unlinkSync(join(root, `file${at - 1}`))
        // Emptied and made anew: nothing of it shines through from below.
        if (at % 20 === 19) rmSync(join(root, 'directory'), { recursive: true })
      }
      await mounted(snapshots, context, 'making', build, { volatile: true })
      await snapshots.commit(`layer${at}`, 'making')
    }
    await snapshots.prepare('container', { parent: `layer${depth - 1}` })
    const files = await mounted(snapshots, context, 'container', filesIn)
    const expected = [...Array(depth).keys()].filter((at) => at % 2 === 1).map((at) => `file${at}`)
    assert.deepEqual(Object.keys(files), [...expected, 'latest'].sort())
    assert.equal(files['latest'], String(depth - 1))
    const middle = await mounted(snapshots, context, 'layer38', filesIn)
    assert.deepEqual(
      Object.keys(middle).filter((name) => name.startsWith('directory/')),
      [...Array(18).keys()].map((at) => `directory/${at + 20}`).concat('directory/38'),
    )
  }),
  mountedCase('hands the owner and mode of the root on', async (snapshots, context) => {
    await snapshots.prepare('making')
    const modeOf = (root: string): string => (statSync(root).mode & 0o7777).toString(8)
    assert.equal(await mounted(snapshots, context, 'making', modeOf), '755')
    await mounted(snapshots, context, 'making', (root) => chmodSync(root, 0o1751))
    await snapshots.commit('base', 'making')
    await snapshots.prepare('container', { parent: 'base' })
    assert.equal(await mounted(snapshots, context, 'base', modeOf), '1751')
    assert.equal(await mounted(snapshots, context, 'container', modeOf), '1751')
  }),
  mountedCase('removes a tree that is a mess', async (snapshots, context) => {
    const empty = await context.countInodes()
    await commitTestLayer(snapshots, 'base', { file: 'text' })
    await snapshots.prepare('mess', { parent: 'base' })
    await mounted(snapshots, context, 'mess', (root) => {
      execFileSync('mkdir', ['-p', join(root, 'closed/inner')])
      execFileSync('mkfifo', [join(root, 'closed/fifo')])
      writeFileSync(join(root, 'closed/inner/file'), '')
      chmodSync(join(root, 'closed/inner'), 0)
      chmodSync(join(root, 'closed'), 0)
      // Put together it is deeper than any path can be long.
      const [upper, lower] = ['u', 'l'].map((letter) => join(root, ...Array(14).fill(letter.repeat(200))))
      for (const path of [upper, lower]) mkdirSync(path ?? '', { recursive: true })
      renameSync(join(root, 'l'.repeat(200)), join(upper ?? '', 'lower'))
    })
    const { path } = await snapshots.extractTarget('mess')
    writeFileSync(join(path, 'immutable'), '')
    execFileSync('chattr', ['+i', join(path, 'immutable')])
    await snapshots.remove('mess')
    assert.equal(await snapshots.stat('mess'), undefined)
    await snapshots.remove('base')
    assert.equal(await context.countInodes(), empty)
  }),
  mountedCase('removes what is still mounted', async (snapshots, context) => {
    const empty = await context.countInodes()
    await commitTestLayer(snapshots, 'base', { file: 'text' })
    await snapshots.prepare('a', { parent: 'base' })
    const target = join(context.directory, 'busy')
    mkdirSync(target)
    for (const spec of await snapshots.mounts('a')) mount({ ...spec, target })
    try {
      writeFileSync(join(target, 'new'), '')
      await snapshots.remove('a')
      assert.equal(await snapshots.stat('a'), undefined)
      await snapshots.remove('base')
      assert.equal(await context.countInodes(), empty)
    } finally {
      unmount(target)
    }
  }),
]
