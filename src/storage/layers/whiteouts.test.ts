import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { mount, unmount } from '../../linux/mounts.ts'
import { getXattr, listXattrs } from '../../linux/xattr.ts'
import { describeTree } from '../test-support/describe-tree.ts'
import { ExtractionGround } from '../test-support/extraction-ground.ts'
import { type MadeEntry, makeTar } from '../test-support/make-tar.ts'

const ground = new ExtractionGround()
afterAll(() => ground.close())

describe('whiteouts', () => {
  const whiteout: readonly MadeEntry[] = [
    { name: './', flag: '5', mode: 0o711, mtime: 10 },
    { name: 'removed/', flag: '5', mtime: 10 },
    { name: 'removed/.wh.file' },
    { name: 'removed/.wh.tree' },
    { name: 'removed/.wh.missing' },
    { name: 'opaque/', flag: '5', mtime: 10 },
    { name: 'opaque/mine', content: 'mine' },
    { name: 'opaque/both', content: 'above' },
    { name: 'opaque/.wh..wh..opq' },
    { name: 'opaque/later', content: 'later' },
    { name: 'replaced', flag: '5', mtime: 10 },
    { name: 'replaced/new', content: 'new' },
    { name: '.wh.replaced' },
    { name: '.wh.again' },
    { name: 'again', flag: '5', mtime: 10 },
    { name: 'again/new', content: 'new' },
    { name: 'overlay-like', flag: '3' },
    { name: 'over', content: 'file over directory' },
    { name: 'below', flag: '5', mode: 0o700, mtime: 10, pax: { 'SCHILY.xattr.user.new': 'new' } },
    { name: '.wh..wh.plnk/77.99', content: 'aufs' },
    { name: '.wh..wh.aufs' },
    { name: '.wh..wh.orph', flag: '5' },
  ]
  const base: readonly MadeEntry[] = [
    { name: './', flag: '5', mtime: 5 },
    ...['removed/file', 'removed/kept', 'removed/tree/deep/file', 'opaque/old', 'opaque/both', 'opaque/dir/old'].map((name) => ({
      name,
      content: name,
    })),
    ...['replaced/old', 'again/old', 'overlay-like/old', 'over/old', 'below/kept'].map((name) => ({ name, content: name })),
    { name: 'below', flag: '5', mtime: 5, pax: { 'SCHILY.xattr.user.old': 'old' } },
  ]

  it('are stored in the form of overlay', async () => {
    const target = ground.fresh()
    expect((await ground.extract(makeTar(whiteout), target)).warnings).toEqual([])
    for (const name of ['removed/file', 'removed/tree', 'removed/missing', 'overlay-like']) {
      const stats = lstatSync(join(target, name))
      expect([name, stats.isCharacterDevice(), stats.rdev]).toEqual([name, true, 0])
    }
    for (const name of ['opaque', 'replaced', 'again'])
      expect([name, getXattr(join(target, name), 'trusted.overlay.opaque')?.toString()]).toEqual([name, 'y'])
    expect(getXattr(join(target, 'below'), 'trusted.overlay.opaque')).toBeUndefined()
    expect(readdirSync(target).filter((name) => name.startsWith('.wh.'))).toEqual([])
  })

  it('applied to a tree give what overlay shows', async () => {
    const [lower, upper, work, merged, applied] = [ground.fresh(), ground.fresh(), ground.fresh(), ground.fresh(), ground.fresh()]
    await ground.extract(makeTar(base), lower)
    await ground.apply(makeTar(base), applied)
    await ground.extract(makeTar(whiteout), upper)
    await ground.apply(makeTar(whiteout), applied)
    mount({ type: 'overlay', source: 'overlay', target: merged, options: [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`] })
    try {
      // A directory that only one of the two ways had to touch has another time.
      const options = { times: false, xattrs: (name: string) => !name.startsWith('trusted.overlay.') }
      expect(describeTree(applied, options)).toEqual(describeTree(merged, options))
      expect(readdirSync(applied).sort()).toEqual(['again', 'below', 'opaque', 'over', 'removed', 'replaced'])
      expect(readdirSync(join(applied, 'opaque')).sort()).toEqual(['both', 'later', 'mine'])
      expect(listXattrs(join(applied, 'below'))).toEqual(['user.new'])
    } finally {
      unmount(merged)
    }
  })

  it('with another attribute, and without anything below', async () => {
    const target = ground.fresh()
    const archive = makeTar([{ name: 'some/where/.wh..wh..opq' }, { name: 'x/y/.wh.z' }])
    await ground.extract(archive, target, { target: { path: target, whiteouts: 'overlay', opaqueXattr: 'user.overlay.opaque' } })
    expect(getXattr(join(target, 'some/where'), 'user.overlay.opaque')?.toString()).toBe('y')
    expect(lstatSync(join(target, 'x/y/z')).isCharacterDevice()).toBe(true)
    const plain = ground.fresh()
    await ground.apply(archive, plain)
    expect(readdirSync(plain)).toEqual([])
  })
})
