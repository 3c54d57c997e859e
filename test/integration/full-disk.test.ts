import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Runtime } from 'libpod-ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { busyboxRootfs } from '../../examples/busybox.ts'
import { testRuntime } from '../support/engine.ts'
import { failure } from '../support/results.ts'

let place: string
let disk: string
let runtime: Runtime
const image = 'localhost/busybox:latest'

/** A file system of its own that nobody else fills: ext4 in a file, because overlay wants a real one. */
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'libpod-ts-'))
  disk = join(place, 'disk')
  await mkdir(disk)
  execFileSync('truncate', ['-s', '48M', join(place, 'image')])
  execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', join(place, 'image')])
  execFileSync('mount', ['-o', 'loop', join(place, 'image'), disk])
  runtime = await Runtime.open({ root: join(disk, 'root'), runRoot: join(place, 'run'), oci: { runtime: testRuntime } })
  await runtime.images.import(busyboxRootfs(), { tag: image })
})
afterAll(async () => {
  for (const { id } of await runtime.containers.list()) await runtime.containers.ref(id).remove({ force: true })
  await runtime.close()
  execFileSync('umount', [disk])
  await rm(place, { recursive: true, force: true })
})

async function fill(leaveBytes = 0): Promise<void> {
  try {
    execFileSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=4k'], { stdio: 'ignore' })
  } catch {
    // Full: that is what it is for.
  }
  if (leaveBytes > 0) execFileSync('truncate', ['-s', `-${leaveBytes}`, join(disk, 'filler')])
}
const empty = (): Promise<void> => rm(join(disk, 'filler'), { force: true })

it('an import says that the disk is full, leaves nothing, and works again when there is room', async () => {
  const folders = async (): Promise<string[]> => [
    ...(await readdir(join(disk, 'root/storage/snapshots')).catch(() => [])),
    ...(await readdir(join(disk, 'root/storage/content')).catch(() => [])),
  ]
  await runtime.prune()
  const before = await folders()
  await fill(300_000)
  const error = await failure(runtime.images.import(busyboxRootfs(), { tag: 'localhost/too-much', changes: ['LABEL x=y'] }))
  expect(error).toMatchObject({ code: 'no-space', details: { path: expect.stringContaining(disk) } })
  expect(error.hint).toMatch(/[Ff]ree space/)
  expect(await runtime.images.exists('localhost/too-much')).toBe(false)
  await empty()
  await runtime.prune()
  expect(await folders()).toEqual(before)
  await (await runtime.images.import(busyboxRootfs(), { tag: 'localhost/fits', changes: ['LABEL x=y'] })).remove()
})

it('a container on a full disk is refused, or runs, but is never half there; it can be removed', async () => {
  await fill()
  for (let i = 0; i < 3; i++) {
    const outcome = await runtime.containers
      .create({ image, command: ['true'], network: 'none' })
      .then(async (container) => {
        await container.start()
        await container.wait()
        await container.remove()
      })
      .catch((error: { code?: string }) => error.code)
    expect([undefined, 'no-space']).toContain(outcome)
  }
  for (const { id } of await runtime.containers.list()) await runtime.containers.ref(id).remove({ force: true })
  expect(await runtime.containers.list()).toEqual([])
  await empty()
  expect((await runtime.containers.run({ image, command: ['echo', 'again'], network: 'none' })).stdout).toBe('again\n')
})

it('a save to a full disk leaves no file', async () => {
  await fill(100_000)
  const mine = await runtime.images.get(image)
  expect(await failure(mine.save({ path: join(disk, 'saved.tar') }))).toMatchObject({
    code: 'no-space',
    details: { path: join(disk, 'saved.tar') },
  })
  expect((await readdir(disk)).filter((name) => name.includes('saved'))).toEqual([])
  await empty()
  await writeFile(join(disk, 'room'), 'again')
})
