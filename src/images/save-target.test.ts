import { type FileHandle, lstat, mkdir, open, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type SavedImage, saveTestImage } from './saved-image-suite.ts'

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
  let file: FileHandle
  beforeEach(async () => {
    await writeFile(at('output'), 'x'.repeat(1 << 20))
    file = await open(at('output'), 'r+')
  })
  afterEach(() => file.close())

  it.each(['/dev/fd', '/proc/self/fd'])('is written to through %s', async (folder) => {
    const { ino } = await file.stat()
    await saved.image.save({ path: `${folder}/${file.fd}` })
    expect(await readFile(at('output'))).toEqual(await readFile(saved.archive))
    expect((await lstat(at('output'))).ino).toBe(ino)
  })

  it('is written to through a link like /dev/stdout, which stays', async () => {
    const text = `/proc/self/fd/${file.fd}`
    await symlink(text, at('stdout'))
    await saved.image.save({ path: at('stdout') })
    expect(await readlink(at('stdout'))).toBe(text)
    expect(await readFile(at('output'))).toEqual(await readFile(saved.archive))
    expect((await readdir(place)).sort()).toEqual(['output', 'stdout'])
  })
})
