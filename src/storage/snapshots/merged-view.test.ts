import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readFileInside } from '../../linux/fs/contained-path.ts'
import { mount, unmount } from '../../linux/mounts.ts'
import { setXattr } from '../../linux/xattr.ts'
import { readMergedFile } from './merged-view.ts'
import { overlayOptions } from './overlay/overlay-options.ts'

const maxBytes = 1000
let directory = ''
let layers: string[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'libpod-ts-merged-'))
  layers = []
})

afterEach(() => rmSync(directory, { recursive: true }))

/** Puts a layer on top: `/` at the end makes a directory, `->` a link, `-` a whiteout, `!` an opaque directory. */
function addLayer(...entries: string[]): string {
  const layer = join(directory, `layer${layers.length}`)
  mkdirSync(layer)
  layers.unshift(layer)
  for (const entry of entries) addEntry(layer, entry)
  return layer
}

function addEntry(layer: string, entry: string): void {
  const [name = '', target] = entry.split('->')
  const path = join(layer, name.replace(/[-!]$/, ''))
  mkdirSync(name.endsWith('/') || name.endsWith('!') ? path : dirname(path), { recursive: true })
  if (target !== undefined) symlinkSync(target, path)
  else if (name.endsWith('!')) setXattr(path, 'trusted.overlay.opaque', Buffer.from('y'))
  else if (name.endsWith('-')) expect(spawnSync('mknod', [path, 'c', '0', '0']).status).toBe(0)
  else if (!name.endsWith('/')) writeFileSync(path, `${name} of ${layer}`)
}

const read = async (path: string): Promise<string | undefined> => (await readMergedFile(layers, path, { maxBytes }))?.toString()

/** What a real mount shows under the same paths. */
function readMounted(paths: readonly string[]): (string | undefined)[] {
  const target = join(directory, 'merged')
  mkdirSync(target)
  // One directory alone is no overlay.
  const lower = [...layers, join(directory, 'nothing')]
  mkdirSync(join(directory, 'nothing'))
  mount({ type: 'overlay', source: 'overlay', target, options: ['ro', `lowerdir=${lower.join(':')}`, ...overlayOptions(false)] })
  try {
    return paths.map((path) => readFileInside(target, path)?.toString())
  } finally {
    unmount(target)
  }
}

describe('a file of the merged view', () => {
  it('is that of the topmost layer that has one', async () => {
    addLayer('etc/passwd', 'etc/group')
    const top = addLayer('etc/passwd')
    addLayer('etc/')
    expect(await read('/etc/passwd')).toBe(`etc/passwd of ${top}`)
    expect(await read('etc//./group')).toBe(`etc/group of ${layers[2]}`)
    expect(await read('/etc/shadow')).toBeUndefined()
    expect(await read('/etc')).toBeUndefined()
    expect(await read('/')).toBeUndefined()
    expect(await read('/etc/passwd/')).toBeUndefined()
    expect(await read('/etc/passwd/x')).toBeUndefined()
  })

  it('is gone with a whiteout, of itself or of a directory above', async () => {
    addLayer('etc/passwd', 'usr/lib/os-release')
    addLayer('etc/passwd-', 'usr-')
    expect(await read('/etc/passwd')).toBeUndefined()
    expect(await read('/usr/lib/os-release')).toBeUndefined()
    const top = addLayer('usr/lib/other')
    expect(await read('/usr/lib/os-release')).toBeUndefined()
    expect(await read('/usr/lib/other')).toBe(`usr/lib/other of ${top}`)
  })

  it('is hidden by an opaque directory, by the attribute that counts only', async () => {
    addLayer('etc/passwd')
    const top = addLayer('etc/')
    setXattr(join(top, 'etc'), 'user.overlay.opaque', Buffer.from('y'))
    expect(await read('/etc/passwd')).toBeDefined()
    expect(await readMergedFile(layers, '/etc/passwd', { maxBytes, opaqueXattr: 'user.overlay.opaque' })).toBeUndefined()
    setXattr(join(top, 'etc'), 'trusted.overlay.opaque', Buffer.from('y'))
    expect(await read('/etc/passwd')).toBeUndefined()
  })

  it('is not hidden by a mark on the root itself, which the kernel does not look at either', async () => {
    const base = addLayer('etc/passwd')
    setXattr(addLayer('etc/group'), 'trusted.overlay.opaque', Buffer.from('y'))
    expect(await read('/etc/passwd')).toBe(`etc/passwd of ${base}`)
    expect(readMounted(['/etc/passwd'])).toEqual([`etc/passwd of ${base}`])
  })

  it('is found through links across layers, which never lead out', async () => {
    const base = addLayer('usr/share/passwd', 'secret')
    addLayer('etc/passwd->../usr/../../../usr/share/passwd', 'etc/group->/run/group', 'run->/usr/share')
    addLayer('usr/share/group->passwd')
    expect(await read('/etc/passwd')).toBe(`usr/share/passwd of ${base}`)
    expect(await read('/etc/group')).toBe(`usr/share/passwd of ${base}`)
    addLayer(`host->${join(directory, 'layer0/secret')}`, 'up->../../../../../../../etc/hostname', 'host2->/etc/hostname')
    for (const path of ['host', 'up', 'host2']) expect(await read(path)).toBeUndefined()
    expect(await read('../../secret')).toBe(`secret of ${base}`)
  })

  it('is refused where links go round in a circle', async () => {
    addLayer('a->b', 'b->/a')
    await expect(read('/a')).rejects.toMatchObject({ code: 'invalid-argument', details: { path: 'path', value: '/a' } })
  })

  it('is a plain file and not too large', async () => {
    const layer = addLayer('etc/large', 'etc/exact')
    writeFileSync(join(layer, 'etc/large'), 'x'.repeat(maxBytes + 1))
    writeFileSync(join(layer, 'etc/exact'), 'x'.repeat(maxBytes))
    for (const args of [
      ['fifo', 'p'],
      ['zero', 'c', '1', '5'],
      ['disk', 'b', '7', '0'],
    ])
      expect(spawnSync('mknod', [join(layer, 'etc', args[0] ?? ''), ...args.slice(1)]).status).toBe(0)
    await expect(read('/etc/large')).rejects.toMatchObject({ code: 'invalid-argument', details: { path: '/etc/large', value: 1001 } })
    expect(await read('/etc/exact')).toHaveLength(maxBytes)
    for (const name of ['fifo', 'zero', 'disk']) expect(await read(`/etc/${name}`)).toBeUndefined()
    const before = readdirSync('/proc/self/fd').length
    for (let round = 0; round < 10; round++) await read('/etc/fifo')
    await read('/etc/large').catch(() => {})
    expect(readdirSync('/proc/self/fd').length).toBe(before)
  })

  it('is what a real mount shows, whatever the layers are made of', async () => {
    const names = ['a', 'b', 'c']
    const paths = names.flatMap((one) => [
      one,
      ...names.flatMap((two) => [`${one}/${two}`, ...names.map((three) => `${one}/${two}/${three}`)]),
    ])
    let files = 0
    for (let seed = 1; seed <= 40; seed++) {
      const random = randomOf(seed)
      const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
      for (let layer = 0; layer < 4; layer++) addLayer(...randomEntries(names, pick))
      const shown = readMounted(paths)
      // The kernel says ELOOP where links go round; both ways of looking then refuse.
      const merged = await Promise.all(paths.map((path) => read(path)))
      expect({ seed, merged }).toEqual({ seed, merged: shown })
      files += shown.filter((text) => text !== undefined).length
      for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true })
      layers = []
    }
    expect(files).toBeGreaterThan(130)
  })
})

/** A tree two or three levels deep. Links lead only to names further on, so that none goes round in a circle. */
function randomEntries(names: readonly string[], pick: <T>(list: readonly T[]) => T): string[] {
  const entries: string[] = []
  for (const one of names) {
    const kind = pick(['directory', 'directory', 'directory', 'opaque', 'file', 'whiteout', 'link', 'nothing'])
    if (kind === 'file') entries.push(one)
    if (kind === 'whiteout') entries.push(`${one}-`)
    if (kind === 'link' && one !== 'c') entries.push(`${one}->${pick(['c', '/c', '../../c', 'c/a', '/c/../c/b'])}`)
    if (kind !== 'directory' && kind !== 'opaque') continue
    entries.push(kind === 'opaque' ? `${one}!` : `${one}/`)
    for (const two of names) {
      const inner = pick(['file', 'file', 'whiteout', 'directory', 'opaque', 'link', 'nothing'])
      if (inner === 'file') entries.push(`${one}/${two}`)
      if (inner === 'whiteout') entries.push(`${one}/${two}-`)
      if (inner === 'directory') entries.push(`${one}/${two}/${pick(names)}`)
      if (inner === 'opaque') entries.push(`${one}/${two}!`, `${one}/${two}/${pick(names)}`)
      if (inner === 'link' && one !== 'c') entries.push(`${one}/${two}->${pick(['../c', '/c', '../c/a', '../../c/b'])}`)
    }
  }
  return entries
}

/** The same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed * 2_654_435_761
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 374_761_393) | 0
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
}
