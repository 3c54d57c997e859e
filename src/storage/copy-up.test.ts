import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readMountsSync } from '../linux/mount-info.ts'
import type { CopyUpRequest } from './copy-up.ts'
import { storageWork } from './helper-client.ts'
import { describeTree } from './test-support/describe-tree.ts'
import { ExtractionGround } from './test-support/extraction-ground.ts'

const ground = new ExtractionGround()
const { volumes } = storageWork(ground.helper)
afterAll(() => ground.close())

/** A root file system with a folder that has something of everything. */
function rootfs(): string {
  const root = ground.fresh()
  const data = join(root, 'data')
  mkdirSync(join(data, 'below'), { recursive: true })
  writeFileSync(join(data, 'file'), 'of the image')
  linkSync(join(data, 'file'), join(data, 'below', 'same'))
  symlinkSync('/etc/passwd', join(data, 'link'))
  lchownSync(join(data, 'link'), 5, 6)
  chownSync(join(data, 'file'), 1000, 1001)
  chmodSync(join(data, 'file'), 0o4711)
  chownSync(data, 33, 34)
  chmodSync(data, 0o2770)
  return root
}

/** A volume, and what fills it. */
function request(root: CopyUpRequest['root'], changes: Partial<CopyUpRequest> = {}): CopyUpRequest {
  const place = ground.fresh()
  mkdirSync(join(place, '_data'))
  return {
    root,
    source: '/data',
    target: join(place, '_data'),
    stage: join(place, 'copy-up'),
    copy: true,
    owner: { uid: 7, gid: 8 },
    ...changes,
  }
}

const topOf = (path: string): string => {
  const { mode, uid, gid } = statSync(path)
  return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`
}

test('fills a volume with all that belongs to the files, and leaves nothing beside it', async () => {
  const root = rootfs()
  const asked = request(root)
  expect(await volumes.copyUp(asked)).toBe('copied')
  expect(describeTree(asked.target)).toEqual(describeTree(join(root, 'data')))
  expect(existsSync(asked.stage)).toBe(false)
  expect(await volumes.copyUp(asked)).toBe('occupied')
})

test('from layers that are mounted for it where nobody sees it', async () => {
  const [root, upper] = [rootfs(), ground.fresh()]
  mkdirSync(join(upper, 'data'), { mode: 0o711 })
  writeFileSync(join(upper, 'data', 'upper'), 'of the container')
  const before = readMountsSync().length
  const at = ground.fresh()
  const mounts = [{ type: 'overlay', source: 'overlay', options: ['ro', `lowerdir=${upper}:${root}`] }]
  const asked = request({ mounts, at })
  expect(await volumes.copyUp(asked)).toBe('copied')
  expect(readdirSync(asked.target).sort()).toEqual(['below', 'file', 'link', 'upper'])
  expect(topOf(asked.target)).toBe('711 0:0')
  expect([readMountsSync().length, readdirSync(at)]).toEqual([before, []])
})

test('takes only owner and mode where there is nothing to copy, or nothing shall be copied', async () => {
  const root = rootfs()
  mkdirSync(join(root, 'empty'))
  chownSync(join(root, 'empty'), 3, 4)
  writeFileSync(join(root, 'a-file'), '')
  symlinkSync('circle', join(root, 'circle'))
  const outcomes: [Partial<CopyUpRequest>, string][] = [
    [{ copy: false }, '2770 33:34'],
    [{ source: '/empty' }, '755 3:4'],
    [{ source: '/missing/at/all' }, '755 7:8'],
    [{ source: '/a-file' }, '755 7:8'],
    [{ source: '/circle' }, '755 7:8'],
  ]
  for (const [changes, top] of outcomes) {
    const asked = request(root, changes)
    expect(await volumes.copyUp(asked)).toBe('empty')
    expect([topOf(asked.target), readdirSync(asked.target)]).toEqual([top, []])
    const { owner: _, ...again } = asked
    chownSync(asked.target, 50, 50)
    expect(await volumes.copyUp(again)).toBe('empty')
    expect(statSync(asked.target).uid, 'it had an owner already').toBe(50)
  }
})

test('leaves a volume alone in which something is', async () => {
  const asked = request(rootfs())
  writeFileSync(join(asked.target, 'mine'), '')
  const before = describeTree(asked.target)
  expect(await volumes.copyUp(asked)).toBe('occupied')
  expect(describeTree(asked.target)).toEqual(before)
})

test('no link of a hostile image leads out of it', async () => {
  const outside = ground.fresh()
  writeFileSync(join(outside, 'secret'), 'of the host')
  chownSync(outside, 99, 99)
  const root = rootfs()
  const up = '../'.repeat(20)
  symlinkSync(outside, join(root, 'absolute'))
  symlinkSync(`${up}${outside}`, join(root, 'relative'))
  symlinkSync('/absolute', join(root, 'chained'))
  mkdirSync(join(root, 'deep'))
  symlinkSync(`${up}${outside}`, join(root, 'deep', 'link'))
  for (const source of ['/absolute', '/relative', '/chained', '/deep/link', `/${up}${outside}`, '/proc/self/root']) {
    const asked = request(root, { source })
    expect(await volumes.copyUp(asked), source).toBe('empty')
    expect([topOf(asked.target), readdirSync(asked.target)]).toEqual(['755 7:8', []])
  }
  expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('of the host')
})

test('can be cut off anywhere and done again', async () => {
  const root = rootfs()
  const wanted = describeTree(join(root, 'data'))
  // While it copied: what is there may be anything.
  const copying = request(root)
  mkdirSync(join(copying.stage, 'partial', 'file'), { recursive: true })
  expect(await volumes.copyUp(copying)).toBe('copied')
  expect(describeTree(copying.target)).toEqual(wanted)
  // While it moved the copy in.
  const whole = request(root)
  await volumes.copyUp(whole)
  const moving = request(ground.fresh())
  mkdirSync(moving.stage)
  renameSync(whole.target, join(moving.stage, 'ready'))
  renameSync(join(moving.stage, 'ready', 'file'), join(moving.target, 'file'))
  expect(await volumes.copyUp(moving)).toBe('copied')
  expect(readdirSync(moving.target).sort()).toEqual(['below', 'file', 'link'])
  expect(topOf(moving.target)).toBe('2770 33:34')
  expect(existsSync(moving.stage)).toBe(false)
})

test('takes nothing away from the stage but what it made there', async () => {
  const root = rootfs()
  const beside = (place: string): void => {
    mkdirSync(join(place, 'of-the-driver'), { recursive: true })
    writeFileSync(join(place, 'of-the-driver', 'file'), 'precious')
    mkdirSync(join(place, 'partial', 'cut-off'), { recursive: true })
  }
  const copied = request(root)
  beside(copied.stage)
  expect(await volumes.copyUp(copied)).toBe('copied')
  expect(describeTree(copied.target)).toEqual(describeTree(join(root, 'data')))
  const occupied = request(root)
  beside(occupied.stage)
  writeFileSync(join(occupied.target, 'mine'), '')
  expect(await volumes.copyUp(occupied)).toBe('occupied')
  const linked = request(root)
  const elsewhere = join(ground.fresh(), 'elsewhere')
  beside(elsewhere)
  symlinkSync(elsewhere, linked.stage)
  expect(await volumes.copyUp(linked)).toBe('copied')
  expect(lstatSync(linked.stage).isSymbolicLink()).toBe(true)
  for (const { stage } of [copied, occupied, linked]) {
    expect(readdirSync(stage)).toEqual(['of-the-driver'])
    expect(readFileSync(join(stage, 'of-the-driver', 'file'), 'utf8')).toBe('precious')
  }
})

test('refuses a stage that is not apart from the volume, whatever leads there, and one that is no folder', async () => {
  const root = rootfs()
  const place = ground.fresh()
  const target = join(place, 'ready')
  const data = join(target, 'partial')
  mkdirSync(data, { recursive: true })
  writeFileSync(join(data, 'file'), 'precious')
  symlinkSync(place, join(place, 'around'))
  symlinkSync(target, join(place, 'same'))
  symlinkSync(data, join(place, 'within'))
  symlinkSync('circle', join(place, 'circle'))
  writeFileSync(join(place, 'file'), '')
  const before = describeTree(place)
  const stages = [
    '.',
    'around',
    'ready',
    'same',
    'same/',
    'same/new',
    'ready/partial',
    'within',
    'circle',
    'file',
    'file/below',
    'missing/below',
  ]
  for (const stage of stages) {
    const refused = volumes.copyUp(request(root, { target, stage: `${place}/${stage}` }))
    await expect(refused, stage).rejects.toMatchObject({ code: 'internal', hint: expect.stringMatching(/driver/) })
    expect(describeTree(place), stage).toEqual(before)
  }
})

test('gives a tree to somebody, following no link', async () => {
  const tree = join(rootfs(), 'data')
  await volumes.chown(tree, { uid: 70, gid: 71 })
  for (const path of ['.', 'file', 'below', 'below/same', 'link']) {
    const { uid, gid } = lstatSync(join(tree, path))
    expect([path, uid, gid]).toEqual([path, 70, 71])
  }
  expect(statSync('/etc/passwd').uid).toBe(0)
  await volumes.chown(join(tree, 'file'), { uid: 1, gid: 2 })
  expect(statSync(join(tree, 'file')).gid).toBe(2)
})
