import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestOf } from '../../../base/digest.ts'
import { mount, unmount } from '../../../linux/mounts.ts'
import { setXattr } from '../../../linux/xattr.ts'
import { storageWork } from '../../helper-client.ts'
import { overlayOptions } from '../../snapshots/overlay/overlay-options.ts'
import type { ExtractTarget } from '../../snapshotter.ts'
import { type DescribedTree, describeTree } from '../../test-support/describe-tree.ts'
import { realHelper } from '../../test-support/real-helper.ts'
import { LayerWarnings } from '../warnings.ts'
import { type DiffSource, diffChunks } from './diff-layer.ts'

const directory = mkdtempSync(join(tmpdir(), 'libpod-ts-overlay-diff-'))
const helper = realHelper()
const { diffLayer, extractLayer } = storageWork(helper)

afterAll(async () => {
  await helper.close()
  rmSync(directory, { recursive: true })
})

const place = (...parts: string[]): string => join(directory, ...parts)
const sh = (script: string, cwd: string): string => execFileSync('sh', ['-e', '-c', script], { cwd, encoding: 'utf8' })

function namesIn(tar: string): string[] {
  return execFileSync('tar', ['-t', '-f', tar], { encoding: 'utf8' }).trimEnd().split('\n')
}

/** The names in a diff that is made here and now. */
function diffNames(source: DiffSource, warnings = new LayerWarnings()): string[] {
  const tar = Buffer.concat([...diffChunks(source, warnings)])
  return execFileSync('tar', ['-t', '-f', '-'], { input: tar, encoding: 'utf8' }).trimEnd().split('\n')
}

async function extractTo(target: ExtractTarget, blob: string): Promise<void> {
  const { warnings } = await extractLayer({ path: blob, mediaType: 'application/vnd.oci.image.layer.v1.tar', target })
  expect(warnings).toEqual([])
}

const lower = `
  mkdir -p etc/conf.d bin srv/www/deep emptied replaced-directory kept
  echo one > etc/changed; echo two > etc/deleted; echo three > etc/renamed; echo 4 > etc/conf.d/a; echo 5 > etc/conf.d/b
  echo file > replaced-file; echo x > replaced-directory/x; echo y > emptied/y; mkdir emptied/below; echo z > emptied/below/z
  echo site > srv/www/index; echo deep > srv/www/deep/file; echo kept > kept/file; ln -s /etc/changed kept/link
  printf 'binary' > bin/tool; ln bin/tool bin/same; chmod 4755 bin/tool; mkfifo kept/fifo; mknod kept/null c 1 3
  chmod 700 kept; chown 3000000:7 kept/file; touch -d @-5.25 kept/file
`

const changes = `
  echo more >> etc/changed; rm etc/deleted; mv etc/renamed etc/new-name; rm -r etc/conf.d
  rm replaced-file; mkdir replaced-file; echo in > replaced-file/in; rm -r replaced-directory; echo now a file > replaced-directory
  rm -r emptied; mkdir emptied; echo n > emptied/n
  chmod 1777 srv/www; rm srv/www/index; echo again > srv/www/index; rm -r srv/www/deep
  echo 1 > linked-a; ln linked-a linked-b; mkdir d; ln linked-a d/linked-c; ln -s x symlink; ln symlink symlink-two
  mkfifo fifo; mknod device b 8 1; mknod character c 10 200; touch suid; chown 1:2 suid; chmod 6755 suid
  cp /bin/true tool; setcap cap_net_raw+ep tool; setfattr -n user.binary -v 0xfffe000a80 suid; setfattr -n trusted.x -v 0xff suid
  chown -h 4294967294:2097152 symlink; touch -h -d @-1.000000001 symlink; touch -d '2300-01-01 00:00:00.123456789 UTC' linked-a
  truncate -s 3000000 holey; echo end >> holey; ln bin/tool bin/third
  chmod 751 .; touch -d @1234567890.987654321 d .
`

describe('a real overlay', () => {
  let merged: DescribedTree
  let lowerTree: DescribedTree

  beforeAll(async () => {
    for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(place(name))
    sh(lower, place('lower'))
    lowerTree = describeTree(place('lower'))
    const dirs = ['lowerdir=lower', 'upperdir=upper', 'workdir=work']
    mount({ type: 'overlay', source: 'overlay', target: place('merged'), options: [...dirs, ...overlayOptions(false)], workdir: directory })
    try {
      sh(changes, place('merged'))
      merged = describeTree(place('merged'))
    } finally {
      unmount(place('merged'))
    }
    closeSync(openSync(place('layer.tar'), 'w'))
    const source = {
      form: 'overlay',
      own: place('upper'),
      parent: place('lower'),
      output: place('layer.tar'),
      compression: 'none',
    } as const
    const layer = await diffLayer(source)
    const bytes = readFileSync(place('layer.tar'))
    expect(layer).toEqual({
      digest: digestOf(bytes),
      diffId: digestOf(bytes),
      sizeBytes: bytes.length,
      uncompressedBytes: bytes.length,
      warnings: [],
    })
  })

  test('has in its layer what changed, deletions first', () => {
    expect(namesIn(place('layer.tar'))).toEqual([
      './',
      'bin/',
      'bin/third',
      'bin/tool',
      'character',
      'd/',
      'd/linked-c',
      'device',
      'emptied/',
      'emptied/.wh..wh..opq',
      'emptied/n',
      'etc/',
      'etc/.wh.conf.d',
      'etc/.wh.deleted',
      'etc/.wh.renamed',
      'etc/changed',
      'etc/new-name',
      'fifo',
      'holey',
      'linked-a',
      'linked-b',
      'replaced-directory',
      'replaced-file/',
      'replaced-file/.wh..wh..opq',
      'replaced-file/in',
      'srv/',
      'srv/www/',
      'srv/www/.wh.deep',
      'srv/www/index',
      'suid',
      'symlink',
      'symlink-two',
      'tool',
    ])
    const verbose = execFileSync('tar', ['-t', '-v', '--numeric-owner', '-f', place('layer.tar')], { encoding: 'utf8' })
    expect(verbose).toMatch(/^hrw.* linked-a link to d\/linked-c$/m)
    expect(verbose).toMatch(/^-rwsr-sr-x 1\/2 .* suid$/m)
    expect(verbose).toMatch(/^lrwx.* 4294967294\/2097152 .* symlink -> x$/m)
    expect(readFileSync(place('layer.tar'), 'latin1')).not.toContain('overlay.')
  })

  test('comes back as the upper directory that it was', async () => {
    mkdirSync(place('again'))
    await extractTo({ path: place('again'), whiteouts: 'overlay', opaqueXattr: 'trusted.overlay.opaque' }, place('layer.tar'))
    const xattrs = (name: string): boolean => !name.startsWith('trusted.overlay.') || name === 'trusted.overlay.opaque'
    expect(describeTree(place('again'), { xattrs })).toEqual(describeTree(place('upper'), { xattrs }))
  })

  test('applied to the lower tree makes the merged one', async () => {
    execFileSync('cp', ['-a', place('lower'), place('applied')])
    expect(describeTree(place('applied'))).toEqual(lowerTree)
    await extractTo({ path: place('applied'), whiteouts: 'apply' }, place('layer.tar'))
    expect(describeTree(place('applied'))).toEqual(merged)
  })

  test('is unpacked by GNU tar, whiteouts as files', () => {
    mkdirSync(place('gnu'))
    execFileSync('tar', ['-x', '-p', '--numeric-owner', '--xattrs', '--xattrs-include=*', '-C', place('gnu'), '-f', place('layer.tar')])
    const isWhiteout = ([name]: readonly [string, string]): boolean => name.split('/').at(-1)?.startsWith('.wh.') ?? false
    const gnu = Object.entries(describeTree(place('gnu'))).filter((entry) => !isWhiteout(entry))
    const upper = describeTree(place('upper'), { xattrs: (name) => !name.startsWith('trusted.overlay.') })
    expect(Object.fromEntries(gnu)).toEqual(Object.fromEntries(Object.entries(upper).filter(([, text]) => text !== 'deleted')))
  })

  test('is unpacked by umoci on top of its base', async () => {
    for (const name of ['base.gz', 'layer.zst', 'layer.gz']) closeSync(openSync(place(name), 'w'))
    const base = await diffLayer({ form: 'whole', own: place('lower'), output: place('base.gz'), compression: 'gzip', level: 1 })
    const diff = { form: 'overlay', own: place('upper'), parent: place('lower') } as const
    const layer = await diffLayer({ ...diff, output: place('layer.gz'), compression: 'gzip' })
    const zstd = await diffLayer({ ...diff, output: place('layer.zst'), compression: 'zstd' })
    expect(zstd.diffId).toBe(layer.diffId)
    const layout = place('layout')
    const blob = (bytes: Buffer | string, mediaType: string) => {
      const digest = digestOf(bytes)
      writeFileSync(join(layout, 'blobs/sha256', digest.slice(7)), bytes)
      return { mediaType, digest, size: Buffer.byteLength(bytes) }
    }
    mkdirSync(join(layout, 'blobs/sha256'), { recursive: true })
    const type = 'application/vnd.oci.image'
    const layers = ['base.gz', 'layer.gz'].map((name) => blob(readFileSync(place(name)), `${type}.layer.v1.tar+gzip`))
    expect(layers.map(({ digest }) => digest)).toEqual([base.digest, layer.digest])
    const rootfs = { type: 'layers', diff_ids: [base.diffId, layer.diffId] }
    const config = blob(JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs, history: [] }), `${type}.config.v1+json`)
    const manifest = blob(
      JSON.stringify({ schemaVersion: 2, mediaType: `${type}.manifest.v1+json`, config, layers }),
      `${type}.manifest.v1+json`,
    )
    const named = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'it' } }
    writeFileSync(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [named] }))
    writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    execFileSync('umoci', ['unpack', '--image', `${layout}:it`, place('bundle')], { stdio: 'ignore' })
    expect(describeTree(place('bundle/rootfs'), { times: false })).toEqual(withoutTimes(merged))
    const copy = place('copy.tar')
    execFileSync('skopeo', ['copy', '--insecure-policy', '-q', `oci:${layout}:it`, `oci-archive:${copy}`])
    expect(statSync(copy).size).toBeGreaterThan(0)
  })
})

function withoutTimes(tree: DescribedTree): DescribedTree {
  return Object.fromEntries(Object.entries(tree).map(([name, text]) => [name, text.replace(/ time -?\d+,?/, '').replace(/,$/, '')]))
}

function upperOf(name: string, script: string): string {
  mkdirSync(place(name))
  sh(script, place(name))
  return place(name)
}

describe('an upper directory', () => {
  test('without changes makes an empty layer, unless its top differs from the one below', () => {
    mkdirSync(place('top'))
    const own = upperOf('unchanged', '')
    expect(
      Buffer.concat([...diffChunks({ form: 'overlay', own, parent: place('top') }, new LayerWarnings())]).equals(Buffer.alloc(1024)),
    ).toBe(true)
    expect(diffNames({ form: 'overlay', own })).toEqual(['./'])
    sh('chmod 700 .', own)
    expect(diffNames({ form: 'overlay', own, parent: place('top') })).toEqual(['./'])
  })

  test('may have the marks of fuse-overlayfs', () => {
    const own = upperOf(
      'fuse',
      `mkdir a b c 'd'; touch a/.wh..wh..opq a/x; mknod b/.wh..opq c 0 0; touch b/y; touch c/.wh.gone .wh.also .wh..wh.plnk; mknod .wh.third c 0 0
       setfattr -n user.fuseoverlayfs.opaque -v y d; touch d/.wh.unneeded d/z; mkdir .wh.directory; touch .wh.`,
    )
    const warnings = new LayerWarnings()
    expect(diffNames({ form: 'overlay', own }, warnings)).toEqual([
      './',
      '.wh.also',
      '.wh.third',
      'a/',
      'a/.wh..wh..opq',
      'a/x',
      'b/',
      'b/.wh..wh..opq',
      'b/y',
      'c/',
      'c/.wh.gone',
      'd/',
      'd/.wh..wh..opq',
      'd/z',
    ])
    expect(warnings.list()).toEqual(['The file ".wh.", and perhaps others, is left out: its name would be a deletion.'])
  })

  test('may have its marks in attributes', () => {
    const own = upperOf(
      'attributes',
      'mkdir opaque user marked plain; touch opaque/x marked/gone marked/there marked/full plain/there; echo 1 > marked/full',
    )
    setXattr(join(own, 'opaque'), 'trusted.overlay.opaque', Buffer.from('y'))
    setXattr(join(own, 'user'), 'user.overlay.opaque', Buffer.from('y'))
    setXattr(join(own, 'marked'), 'trusted.overlay.opaque', Buffer.from('x'))
    for (const path of ['marked/gone', 'marked/full', 'plain/there'])
      setXattr(join(own, path), 'trusted.overlay.whiteout', Buffer.from('y'))
    expect(diffNames({ form: 'overlay', own })).toEqual([
      './',
      'marked/',
      'marked/.wh.gone',
      'marked/full',
      'marked/there',
      'opaque/',
      'opaque/.wh..wh..opq',
      'opaque/x',
      'plain/',
      'plain/there',
      'user/',
      'user/.wh..wh..opq',
    ])
  })

  test.each(['trusted.overlay.metacopy', 'trusted.overlay.redirect', 'user.overlay.redirect'])('with %s is refused', (name) => {
    const own = upperOf(name, 'mkdir d; touch d/half')
    setXattr(join(own, 'd/half'), name, Buffer.from('/x'))
    expect(() => diffNames({ form: 'overlay', own })).toThrow(
      expect.objectContaining({ code: 'unsupported', message: expect.stringContaining('"d/half"') }),
    )
  })

  test('keeps labels and hashes of this machine, and marks, to itself', () => {
    const own = upperOf('labels', 'touch file')
    setXattr(join(own, 'file'), 'trusted.overlay.origin', Buffer.from('x'))
    setXattr(join(own, 'file'), 'user.overlay.impure', Buffer.from('y'))
    setXattr(join(own, 'file'), 'trusted.mine', Buffer.from('m'))
    setXattr(join(own, 'file'), 'security.label', Buffer.from('s'))
    const text = Buffer.concat([...diffChunks({ form: 'overlay', own }, new LayerWarnings())]).toString('latin1')
    expect(text.match(/(SCHILY|LIBARCHIVE)\.xattr\.[^=]*/g)).toEqual(['SCHILY.xattr.trusted.mine'])
  })

  test('is let go of, also by a reader that goes away and after a failure', () => {
    const own = upperOf('untouched', 'mkdir -p a/b/c; echo 1 > a/b/file; mkfifo a/fifo')
    const before = readdirSync('/proc/self/fd').length
    const chunks = diffChunks({ form: 'overlay', own }, new LayerWarnings())
    chunks.next()
    chunks.return()
    setXattr(join(own, 'a/b/file'), 'trusted.overlay.metacopy', Buffer.alloc(0))
    expect(() => diffNames({ form: 'overlay', own })).toThrow(expect.objectContaining({ code: 'unsupported' }))
    expect(() => diffNames({ form: 'overlay', own: join(own, 'missing') })).toThrow(expect.objectContaining({ code: 'ENOENT' }))
    expect(readdirSync('/proc/self/fd').length).toBe(before)
  })
})
