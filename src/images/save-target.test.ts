import { randomBytes } from 'node:crypto'
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readableFrom } from '../linux/pipe.ts'
import { openPty } from '../linux/pty.ts'
import type { Image } from './image.ts'
import { run, type SavedImage, saveTestImage } from './saved-image-suite.ts'

let saved: SavedImage
let place: string
const at = (name: string): string => join(place, name)

beforeEach(async () => {
  saved = await saveTestImage()
  place = join(saved.directory, 'place')
  await mkdir(place)
})
afterEach(() => rm(saved.directory, { recursive: true }))

const refusal = (path: string): object => ({
  code: 'invalid-argument',
  details: { path: 'path', value: path },
  hint: expect.stringMatching(/./),
})

describe('a link', () => {
  // The kernel takes for `..` the parent of the folder that a link leads to.
  it.each(['file', 'far/file', 'far/hence/../file', 'other'])('to %s stays, and what it leads to is replaced', async (text) => {
    await mkdir(at('elsewhere/deep'), { recursive: true })
    await symlink('elsewhere', at('far'))
    await symlink('deep', at('elsewhere/hence'))
    await symlink(at('elsewhere/file'), at('other'))
    const file = text === 'file' ? at('file') : at('elsewhere/file')
    await writeFile(file, 'old')
    await symlink(text, at('link'))
    await saved.image.save({ path: at('link') })
    expect(await readlink(at('link'))).toBe(text)
    expect((await lstat(file)).isFile()).toBe(true)
    expect(await readFile(file)).toEqual(await readFile(saved.archive))
    expect((await readdir(place, { recursive: true })).filter((one) => one.includes('.libpod'))).toEqual([])
  })

  it('that leads nowhere or in a circle is refused, and stays', async () => {
    await symlink('missing', at('dangling'))
    await symlink('no/such/folder', at('far-off'))
    await symlink('two', at('one'))
    await symlink('one', at('two'))
    for (const name of ['dangling', 'far-off', 'one'])
      await expect(saved.image.save({ path: at(name) })).rejects.toMatchObject(refusal(at(name)))
    expect((await readdir(place)).sort()).toEqual(['dangling', 'far-off', 'one', 'two'])
    expect(await saved.services.leftovers()).toEqual([])
  })
})

describe('a file that is open already', () => {
  /** Of somebody who has written to it before. */
  const said = Buffer.from('x'.repeat(1 << 20))
  let file: FileHandle
  beforeEach(async () => {
    await writeFile(at('output'), said)
    file = await open(at('output'), 'r+')
  })
  afterEach(() => file.close())

  it.each(['/dev/fd', '/proc/self/fd'])('is written to through %s', async (folder) => {
    const { ino } = await file.stat()
    await saved.image.save({ path: `${folder}/${file.fd}` })
    expect((await readFile(at('output'))).equals(Buffer.concat([said, await readFile(saved.archive)]))).toBe(true)
    expect((await lstat(at('output'))).ino).toBe(ino)
  })

  it('is written to through a link like /dev/stdout, which stays', async () => {
    const text = `/proc/self/fd/${file.fd}`
    await symlink(text, at('stdout'))
    await saved.image.save({ path: at('stdout') })
    expect(await readlink(at('stdout'))).toBe(text)
    expect((await readFile(at('output'))).equals(Buffer.concat([said, await readFile(saved.archive)]))).toBe(true)
    expect((await readdir(place)).sort()).toEqual(['output', 'stdout'])
  })
})

describe('a pipe', () => {
  /** A reader that does not read yet. */
  let reader: number | undefined
  const openReader = (): number => openSync(at('pipe'), constants.O_RDONLY | constants.O_NONBLOCK)
  beforeEach(() => {
    run('mkfifo', at('pipe'))
    reader = undefined
  })
  // A save that waits for a reader after all would hold on to its thread for ever.
  afterEach(() => closeSync(reader ?? openReader()))

  /** An image that does not fit into a pipe. */
  async function largeImage(): Promise<Image> {
    return saved.images.import(Readable.from([await saved.tarOf({ large: randomBytes(300_000).toString('base64') })]))
  }

  /** Waits for the first byte. More than fits is written at once, so that the writer waits from then on. */
  async function begun(fd: number): Promise<void> {
    const readOne = (): number => {
      try {
        return readSync(fd, Buffer.alloc(1))
      } catch {
        return 0
      }
    }
    await expect.poll(readOne).toBe(1)
  }

  it('that nobody reads is refused', async () => {
    await expect(saved.image.save({ path: at('pipe') })).rejects.toMatchObject({ ...refusal(at('pipe')), cause: { code: 'ENXIO' } })
    expect(await saved.services.leftovers()).toEqual([])
  })

  it('is given time for its reader to come, and the signal ends that', async () => {
    const saving = saved.image.save({ path: at('pipe') })
    await setTimeout(100)
    const chunks: Buffer[] = []
    for await (const chunk of readableFrom(openReader())) chunks.push(chunk as Buffer)
    await saving
    expect(Buffer.concat(chunks).equals(await readFile(saved.archive))).toBe(true)
    const signal = AbortSignal.timeout(100)
    await expect(saved.image.save({ path: at('pipe'), signal })).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it('is written to, also through a link, as fast as it is read', async () => {
    await symlink('pipe', at('link'))
    const large = await largeImage()
    for (const name of ['pipe', 'link']) {
      const output = readableFrom(openReader())
      const saving = large.save({ path: at(name) })
      await setTimeout(50)
      const chunks: Buffer[] = []
      for await (const chunk of output) chunks.push(chunk as Buffer)
      await saving
      const other = await saved.another()
      expect((await other.images.load(Readable.from(chunks))).id).toBe(large.id)
    }
    expect((await lstat(at('pipe'))).isFIFO()).toBe(true)
    expect((await lstat(at('link'))).isSymbolicLink()).toBe(true)
  })

  it('that is not read on keeps no save from ending with the signal', async () => {
    reader = openReader()
    const large = await largeImage()
    const abort = new AbortController()
    const reason = new Error('mine')
    const aborted = expect(large.save({ path: at('pipe'), signal: abort.signal })).rejects.toBe(reason)
    await begun(reader)
    abort.abort(reason)
    await aborted
    expect(await saved.services.leftovers()).toEqual([])
  })

  it('whose reader leaves is told', async () => {
    const leaving = openReader()
    const large = await largeImage()
    const refused = expect(large.save({ path: at('pipe') })).rejects.toMatchObject(refusal(at('pipe')))
    await begun(leaving)
    closeSync(leaving)
    await refused
    expect((await lstat(at('pipe'))).isFIFO()).toBe(true)
  })
})

describe('what is no place for an archive', () => {
  it('is refused when it is a block device, and not even opened', async () => {
    // A number that no disk has.
    run('mknod', at('disk'), 'b', '259', '70000')
    const error = await saved.image.save({ path: at('disk') }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ ...refusal(at('disk')), message: expect.stringContaining('block device') })
  })

  it('is refused when it is a terminal', async () => {
    const pty = openPty()
    try {
      await expect(saved.image.save({ path: pty.slavePath })).rejects.toMatchObject(refusal(pty.slavePath))
    } finally {
      closeSync(pty.master)
    }
  })

  it('is refused when it is a socket', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => void server.listen(at('socket'), resolve))
    try {
      await expect(saved.image.save({ path: at('socket') })).rejects.toMatchObject(refusal(at('socket')))
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it('is refused when it is a folder', async () => {
    await symlink('.', at('here'))
    for (const path of [place, at('here'), `${place}/`]) await expect(saved.image.save({ path })).rejects.toMatchObject(refusal(path))
  })

  it('is refused when it cannot be walked to, or made', async () => {
    await symlink('loop', at('loop'))
    for (const path of [at('loop/x'), at('n'.repeat(256)), `${place}/${'n/'.repeat(3000)}x`, '/proc/self/fd/100000', '/proc/new'])
      await expect(saved.image.save({ path })).rejects.toMatchObject(refusal(path))
    expect(await saved.services.leftovers()).toEqual([])
  })
})
