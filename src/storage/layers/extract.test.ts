import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf } from '../../base/digest.ts'
import { mount, unmount } from '../../linux/mounts.ts'
import { listXattrs, setXattr } from '../../linux/xattr.ts'
import { describeTree } from '../test-support/describe-tree.ts'
import { ExtractionGround } from '../test-support/extraction-ground.ts'
import { type MadeEntry, makeTar } from '../test-support/make-tar.ts'

const ground = new ExtractionGround()
afterAll(() => ground.close())

const at = (path: string, name: string): Buffer => Buffer.concat([Buffer.from(`${path}/`), Buffer.from(name, 'latin1')])

describe('an archive of a real tree', () => {
  let tree = ''

  beforeAll(() => {
    tree = ground.fresh()
    const script = `cd "$0"
      mkdir -p a/b/c usr/bin var/tmp locked; echo text > a/file; : > a/empty; head -c 3000000 /dev/urandom > usr/bin/large
      ln a/file a/b/hard; ln a/file zhard; ln -s ../a/file a/link; ln -s /etc/passwd absolute; ln -s nowhere dangling; ln -s a/b alias; ln absolute hardsym
      mkfifo -m 640 fifo; mknod null c 1 3; mknod -m 600 disk b 8 70000; chmod 1777 var/tmp; chmod 6755 usr/bin/large; chmod 2775 a/b
      truncate -s 5M sparse; printf data | dd of=sparse bs=1 seek=2000000 conv=notrunc 2>/dev/null; truncate -s 1M holes
      echo x > ${'n'.repeat(255)}; echo x > "new
line"; chown 1234:5678 a/empty; chown -h 7:8 a/link; chown 100000:4000000000 a/b; chown 55:66 usr/bin/large; chmod 4755 usr/bin/large
      echo x > locked/file; chmod 0 locked/file; chmod 0 locked
      touch -h -d '1969-12-31 23:59:58.5 UTC' a/link; touch -d '2030-01-01 00:00:00.000000001 UTC' a/b a/file; touch -d '2001-02-03 04:05:06.789 UTC' a usr .`
    execFileSync('sh', ['-c', script, tree])
    writeFileSync(at(tree, 'bytes-\xff\xfe'), 'no text')
    setXattr(join(tree, 'a/empty'), 'user.binary', Buffer.from([0, 0xff, 0x0a, 0x3d, 0x80]))
    setXattr(join(tree, 'a/b'), 'user.empty', Buffer.alloc(0))
    setXattr(join(tree, 'a/link'), 'trusted.link', Buffer.from('on a link'))
    setXattr(join(tree, 'usr/bin/large'), 'security.capability', Buffer.from('0100000200040000000000000000000000000000', 'hex'))
    execFileSync('touch', ['-d', '2001-02-03 04:05:06.789 UTC', join(tree, 'a'), tree])
  })

  const formats: readonly (readonly [string, readonly string[]])[] = [
    ['gnu', ['--sparse']],
    ['pax', ['--xattrs', '--xattrs-include=*']],
    ['pax', ['--xattrs', '--xattrs-include=*', '--sparse']],
    ['pax', ['--xattrs', '--xattrs-include=*', '--sparse', '--sparse-version=0.0']],
    // It has no room for such names and times.
    ['ustar', ['--exclude=./a/*', '--exclude=./n*']],
  ]

  it.each(formats)('becomes the same tree as by tar itself: %s %j', async (format, options) => {
    const args = ['--numeric-owner', ...options, `--format=${format}`, '-cf', '-', '-C', tree, '.']
    const archive = execFileSync('tar', args, { maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] })
    const expected = ground.fresh()
    const unpack = ['-xpf', '-', '--numeric-owner', '--xattrs', '--xattrs-include=*', '-C', expected]
    execFileSync('tar', unpack, { input: archive, stdio: ['pipe', 'ignore', 'ignore'] })
    for (const packed of [archive, gzipSync(archive, { level: 1 }), execFileSync('zstd', ['-c'], { input: archive, maxBuffer: 1 << 28 })]) {
      const target = ground.fresh()
      const result = await ground.extract(packed, target)
      expect(describeTree(target)).toEqual(describeTree(expected))
      expect(result).toMatchObject({ diffId: digestOf(archive), warnings: [] })
      if (format === 'pax') expect(describeTree(target)).toEqual(describeTree(tree))
      if (!options.includes('--sparse')) continue
      expect(statSync(join(target, 'sparse')).blocks).toBeLessThan(100)
      expect(statSync(join(target, 'holes')).blocks).toBe(0)
    }
  })

  it('tells how many bytes its files have', async () => {
    const archive = makeTar([
      { name: 'a', content: 'x'.repeat(600) },
      { name: 'b', content: 'yz' },
      { name: 'c', flag: '1', link: 'a' },
    ])
    expect(await ground.extract(archive, ground.fresh())).toEqual({ diffId: digestOf(archive), sizeBytes: 602, warnings: [] })
  })
})

describe('what an archive does not list', () => {
  it('is made, of root and mode 755, whatever is set on directories above', async () => {
    const target = ground.fresh()
    const entries: MadeEntry[] = [
      { name: 'odd', flag: '5', mode: 0o2777, gid: 50 },
      { name: 'odd/new/deep/file', content: 'x' },
    ]
    await ground.extract(makeTar(entries), target)
    for (const name of ['odd/new', 'odd/new/deep']) {
      const { mode, uid, gid } = lstatSync(join(target, name))
      expect([(mode & 0o7777).toString(8), uid, gid]).toEqual(['755', 0, 0])
    }
  })

  it('nor does a file get the group of a directory that hands it down', async () => {
    const parent = ground.fresh()
    const target = join(parent, 'inside')
    chownSync(parent, 0, 50)
    chmodSync(parent, 0o2755)
    mkdirSync(target)
    const entries: MadeEntry[] = [
      { name: 'early', content: 'x' },
      { name: 'odd', flag: '5', mode: 0o2755, gid: 50 },
      { name: 'odd/late', content: 'x' },
    ]
    await ground.extract(makeTar(entries), target)
    for (const name of ['early', 'odd/late']) expect(lstatSync(join(target, name)).gid).toBe(0)
  })

  it('may lie behind links, which lead to places inside', async () => {
    const target = ground.fresh()
    const entries: MadeEntry[] = [
      { name: 'var/run', flag: '2', link: '/run' },
      { name: 'var/run/lock', content: 'x' },
      { name: 'up', flag: '2', link: '../../../far/away' },
      { name: 'up/file', content: 'y' },
    ]
    await ground.extract(makeTar(entries), target)
    expect([readFileSync(join(target, 'run/lock'), 'utf8'), readFileSync(join(target, 'far/away/file'), 'utf8')]).toEqual(['x', 'y'])
  })
})

describe('an entry in the place of another', () => {
  it('replaces it; a directory keeps what is in it', async () => {
    const target = ground.fresh()
    const entries: MadeEntry[] = [
      { name: 'file', content: 'old' },
      { name: 'other-name', flag: '1', link: 'file' },
      { name: 'file', content: 'new', mode: 0o600 },
      { name: 'tree/deep/file', content: 'x' },
      { name: 'tree', content: 'a file now' },
      { name: 'link', flag: '2', link: 'elsewhere' },
      { name: 'link', content: 'through?' },
      { name: 'kept/file', content: 'kept' },
      { name: 'kept', flag: '5', mode: 0o700 },
      { name: 'pointer', flag: '2', link: 'kept' },
      { name: 'pointer', flag: '5' },
      { name: 'fifo', flag: '6' },
      { name: 'fifo', content: 'no fifo' },
    ]
    await ground.extract(makeTar(entries), target)
    const read = (name: string): string => readFileSync(join(target, name), 'utf8')
    expect([read('file'), read('other-name'), read('tree'), read('link'), read('kept/file'), read('fifo')]).toEqual([
      'new',
      'old',
      'a file now',
      'through?',
      'kept',
      'no fifo',
    ])
    expect(lstatSync(join(target, 'kept')).mode & 0o777).toBe(0o700)
    expect([lstatSync(join(target, 'pointer')).isDirectory(), readdirSync(join(target, 'pointer'))]).toEqual([true, []])
    expect(readdirSync(target)).not.toContain('elsewhere')
  })

  it('has only its own access rules, whatever its directory hands down', async () => {
    const target = ground.fresh()
    const acl = Buffer.from('0200000001000700ffffffff04000700ffffffff20000500ffffffff', 'hex')
    const entries: MadeEntry[] = [
      { name: 'd', flag: '5', mtime: 5, pax: { 'SCHILY.xattr.system.posix_acl_default': acl } },
      { name: 'd/below', flag: '5', mode: 0o750 },
      { name: 'd/file', mode: 0o640 },
    ]
    await ground.extract(makeTar(entries), target)
    expect(['d', 'd/below', 'd/file'].map((name) => listXattrs(join(target, name)))).toEqual([['system.posix_acl_default'], [], []])
    expect(lstatSync(join(target, 'd')).mtimeMs).toBe(5000)
  })

  it('sets times at the end, and not on what came instead of a directory', async () => {
    const target = ground.fresh()
    await ground.extract(
      makeTar([
        { name: 'd', flag: '5', mtime: 1000 },
        { name: 'd/file', mtime: 2000 },
        { name: 'gone', flag: '5', mtime: 3000 },
        { name: 'gone', mtime: 4000 },
      ]),
      target,
    )
    expect(['d', 'd/file', 'gone'].map((name) => lstatSync(join(target, name)).mtimeMs)).toEqual([1_000_000, 2_000_000, 4_000_000])
  })
})

describe('what cannot be done here', () => {
  const mounted = async (type: string, options: readonly string[], work: (path: string) => Promise<void>): Promise<void> => {
    const path = ground.fresh()
    mount({ type, source: type, target: path, options: [...options] })
    try {
      await work(path)
    } finally {
      unmount(path)
    }
  }

  it('attributes where there are none: a warning for each name', async () => {
    const pax = { 'SCHILY.xattr.user.one': '1', 'SCHILY.xattr.user.two': '2' }
    await mounted('ramfs', [], async (path) => {
      const { warnings } = await ground.extract(
        makeTar([
          { name: 'a', pax },
          { name: 'b', pax },
        ]),
        path,
      )
      expect(warnings).toEqual([
        'The attribute user.one cannot be set on "a", and perhaps others (ENOTSUP).',
        'The attribute user.two cannot be set on "a", and perhaps others (ENOTSUP).',
      ])
      expect(readdirSync(path).sort()).toEqual(['a', 'b'])
    })
  })

  it("never overlay's own attributes", async () => {
    const target = ground.fresh()
    const names = ['trusted.overlay.redirect', 'trusted.overlay.opaque', 'user.overlay.whiteout', 'user.overlay.metacopy']
    const pax = Object.fromEntries(names.map((name) => [`SCHILY.xattr.${name}`, 'y']))
    const { warnings } = await ground.extract(
      makeTar([
        { name: 'd', flag: '5', pax },
        { name: 'f', pax },
      ]),
      target,
    )
    expect(warnings).toHaveLength(names.length)
    for (const name of ['d', 'f']) expect(listXattrs(join(target, name))).toEqual([])
  })

  it('more than fits on the disk', async () => {
    await mounted('tmpfs', ['size=1m'], async (path) => {
      const large = makeTar([{ name: 'large', content: Buffer.alloc(3_000_000, 1) }])
      await expect(ground.extract(large, path)).rejects.toMatchObject({ code: 'no-space', details: { path } })
    })
  })

  it('devices and foreign owners in a user namespace', async () => {
    const confined = new ExtractionGround(['/usr/bin/unshare', '--user', '--map-root-user'])
    try {
      const target = confined.fresh()
      const devices: readonly MadeEntry[] = [
        { name: 'null', flag: '3', major: 1, minor: 3 },
        { name: 'disk', flag: '4', major: 8 },
        { name: 'link-to-null', flag: '1', link: 'null' },
        { name: 'fifo', flag: '6' },
        { name: '.wh.gone' },
        { name: 'file', content: 'x', pax: { 'SCHILY.xattr.trusted.mine': 'y', 'SCHILY.xattr.user.mine': 'y' } },
      ]
      const { warnings } = await confined.extract(makeTar(devices), target)
      expect(warnings).toEqual([
        'The device "null", and perhaps others, cannot be made here (EPERM).',
        'The attribute trusted.mine cannot be set on "file", and perhaps others (EPERM).',
      ])
      expect(readdirSync(target).sort()).toEqual(['fifo', 'file', 'gone'])
      const foreign = makeTar([{ name: 'x', uid: 1234 }])
      await expect(confined.extract(foreign, confined.fresh())).rejects.toMatchObject({
        code: 'unsupported',
        details: { what: 'owner 1234:0' },
      })
    } finally {
      await confined.close()
    }
  })

  it('an archive without its end mark is extracted, with a warning', async () => {
    const archive = makeTar([{ name: 'a', content: 'x' }]).subarray(0, 1024)
    expect((await ground.extract(archive, ground.fresh())).warnings).toEqual(['The archive has no end mark; it may lack its last entries.'])
  })

  it('a target or a blob that is not there', async () => {
    const missing = join(ground.directory, 'missing')
    await expect(ground.extract(makeTar([]), missing)).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(ground.extract(makeTar([]), ground.fresh(), { path: missing })).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('leaves no descriptor open, whatever happens', async () => {
    const open = (): number => readdirSync(`/proc/${ground.helper.pid}/fd`).length
    await ground.extract(makeTar([{ name: 'a' }]), ground.fresh())
    const before = open()
    await ground.extract(gzipSync(makeTar([{ name: 'a' }])), ground.fresh())
    for (const bad of [makeTar([{ name: '../a' }]), makeTar([{ name: 'a', content: 'x'.repeat(2000) }]).subarray(0, 1500)])
      for (const packed of [bad, gzipSync(bad)])
        await expect(ground.extract(packed, ground.fresh())).rejects.toMatchObject({ code: 'corrupt' })
    expect(open()).toBe(before)
  })
})
