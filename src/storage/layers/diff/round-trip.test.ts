import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { mount, unmount } from '../../../linux/mounts.ts'
import { libc, makeDevice } from '../../../linux/native/libc.ts'
import { setXattr } from '../../../linux/xattr.ts'
import { storageWork } from '../../helper-client.ts'
import { overlayOptions } from '../../snapshots/overlay/overlay-options.ts'
import { describeTree } from '../../test-support/describe-tree.ts'
import { realHelper } from '../../test-support/real-helper.ts'
import type { DiffSource } from './diff-layer.ts'

const directory = mkdtempSync(join(tmpdir(), 'libpod-ts-round-trip-'))
const helper = realHelper()
const { diffLayer, extractLayer } = storageWork(helper)

afterAll(async () => {
  await helper.close()
  rmSync(directory, { recursive: true })
})

/** One thing that a program may do to a tree; what cannot be done is not done. */
type Change = (root: string) => void

/** Few names, so that changes meet. */
const path = fc.array(fc.constantFrom('a', 'b', 'ü'), { minLength: 1, maxLength: 3 }).map((names) => names.join('/'))
const id = fc.constantFrom(0, 1, 1000, 3_000_000)

/** So that no two contents have one size: a change within a tick of the clock would not be seen. */
let written = 0

/** Devices that are none: nothing happens when one is written to. */
const unusedMajor = 4000

/** Does not wait for a reader of a fifo. */
function write(path: string, flag: number): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK | flag, 0o644)
  try {
    writeSync(fd, 'x'.repeat(++written))
  } finally {
    closeSync(fd)
  }
}

const change: fc.Arbitrary<Change> = fc.oneof(
  path.map((name) => (root: string) => write(join(root, name), constants.O_TRUNC)),
  path.map((name) => (root: string) => write(join(root, name), constants.O_APPEND)),
  path.map((name) => (root: string) => void mkdirSync(join(root, name), { recursive: true })),
  path.map((name) => (root: string) => rmSync(join(root, name), { recursive: true })),
  path.map((name) => (root: string) => {
    rmSync(join(root, name), { recursive: true })
    mkdirSync(join(root, name))
  }),
  fc.tuple(path, path).map(
    ([from, to]) =>
      (root: string) =>
        renameSync(join(root, from), join(root, to)),
  ),
  fc.tuple(path, path).map(
    ([from, to]) =>
      (root: string) =>
        linkSync(join(root, from), join(root, to)),
  ),
  fc.tuple(path, path).map(
    ([to, name]) =>
      (root: string) =>
        symlinkSync(to, join(root, name)),
  ),
  path.map((name) => (root: string) => libc().mkfifo(join(root, name), 0o640)),
  fc.tuple(path, fc.integer({ min: 1, max: 300 })).map(([name, minor]) => (root: string) => {
    libc().mknod(join(root, name), 0o020600, makeDevice(unusedMajor, minor))
  }),
  fc.tuple(path, fc.integer({ min: 0, max: 0o7777 })).map(
    ([name, mode]) =>
      (root: string) =>
        chmodSync(join(root, name), mode),
  ),
  fc.tuple(path, id, id).map(
    ([name, uid, gid]) =>
      (root: string) =>
        chownSync(join(root, name), uid, gid),
  ),
  fc.tuple(path, fc.integer({ min: 0, max: 2 ** 32 })).map(
    ([name, time]) =>
      (root: string) =>
        lutimesSync(join(root, name), time, time),
  ),
  fc
    .tuple(path, fc.constantFrom('user.a', 'trusted.b'), fc.uint8Array({ maxLength: 20 }))
    .map(([name, attribute, value]) => (root: string) => {
      setXattr(join(root, name), attribute, value)
    }),
)

const changes = fc.array(change, { maxLength: 30 })

function carryOut(all: readonly Change[], root: string): void {
  for (const one of all) {
    try {
      one(root)
    } catch (error) {
      // Not there, or in the way.
      expect((error as NodeJS.ErrnoException).code ?? (error as { code?: string }).code).toMatch(/^(E[A-Z]+|permission-denied)$/)
    }
  }
}

const copy = (from: string, to: string): void => void execFileSync('cp', ['-a', '-T', from, to])

async function layerOf(place: string, source: DiffSource): Promise<string> {
  const output = join(place, 'layer')
  closeSync(openSync(output, 'w'))
  const { warnings } = await diffLayer({ ...source, output, compression: 'none' })
  expect(warnings).toEqual([])
  return output
}

const layerType = 'application/vnd.oci.image.layer.v1.tar'

async function inPlace(work: (place: string) => Promise<void>): Promise<void> {
  const place = mkdtempSync(join(directory, 'run-'))
  try {
    await work(place)
  } finally {
    rmSync(place, { recursive: true })
  }
}

test('any changes to any tree: their layer on a copy of the tree, and over the tree itself, makes the changed one', async () => {
  await fc.assert(
    fc.asyncProperty(changes, changes, async (first, second) => {
      await inPlace(async (place) => {
        const [parent, own, applied] = [join(place, 'parent'), join(place, 'own'), join(place, 'applied')]
        mkdirSync(parent)
        carryOut(first, parent)
        copy(parent, own)
        carryOut(second, own)
        copy(parent, applied)
        const blob = { path: await layerOf(place, { form: 'trees', own, parent }), mediaType: layerType }
        await extractLayer({ ...blob, target: { path: applied, whiteouts: 'apply' } })
        expect(withoutTop(describeTree(applied))).toEqual(withoutTop(describeTree(own)))
        const [upper, merged] = [join(place, 'upper'), join(place, 'merged')]
        for (const path of [upper, merged]) mkdirSync(path)
        await extractLayer({ ...blob, target: { path: upper, whiteouts: 'overlay', opaqueXattr: 'trusted.overlay.opaque' } })
        const options = ['ro', 'lowerdir=upper:parent', ...overlayOptions(false)]
        mount({ type: 'overlay', source: 'overlay', target: merged, options, workdir: place })
        try {
          expect(withoutTop(describeTree(merged))).toEqual(withoutTop(describeTree(own)))
        } finally {
          unmount(merged)
        }
      })
    }),
    { numRuns: 40 },
  )
}, 120_000)

test('any changes to any overlay: their layer makes the same upper directory and the same merged tree', async () => {
  await fc.assert(
    fc.asyncProperty(changes, changes, async (first, second) => {
      await inPlace(async (place) => {
        const [lower, upper, merged, again, applied] = ['lower', 'upper', 'merged', 'again', 'applied'].map((name) =>
          join(place, name),
        ) as [string, string, string, string, string]
        for (const path of [lower, upper, merged, again, join(place, 'work')]) mkdirSync(path)
        carryOut(first, lower)
        const dirs = ['lowerdir=lower', 'upperdir=upper', 'workdir=work', 'volatile']
        mount({ type: 'overlay', source: 'overlay', target: merged, options: [...dirs, ...overlayOptions(false)], workdir: place })
        let expected: ReturnType<typeof describeTree>
        try {
          carryOut(second, merged)
          expected = describeTree(merged)
        } finally {
          unmount(merged)
        }
        copy(lower, applied)
        const layer = await layerOf(place, { form: 'overlay', own: upper, parent: lower })
        const blob = { path: layer, mediaType: layerType }
        await extractLayer({ ...blob, target: { path: again, whiteouts: 'overlay', opaqueXattr: 'trusted.overlay.opaque' } })
        const xattrs = (name: string): boolean => !name.startsWith('trusted.overlay.') || name === 'trusted.overlay.opaque'
        expect(withoutTop(describeTree(again, { xattrs }))).toEqual(withoutTop(describeTree(upper, { xattrs })))
        await extractLayer({ ...blob, target: { path: applied, whiteouts: 'apply' } })
        expect(withoutTop(describeTree(applied))).toEqual(withoutTop(expected))
      })
    }),
    { numRuns: 40 },
  )
}, 120_000)

/** A top that was not changed is in no layer, so it has the time of its own making. */
function withoutTop({ '.': top, ...rest }: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return { ...rest, '.': top?.replace(/, time \d+/, '') ?? '' }
}
