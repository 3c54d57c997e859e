import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isLibpodError } from '../base/errors.ts'
import type { DriverVolume, VolumeDriver, VolumeSource } from './volume-driver.ts'

/** What a conformance case works with. Every case gets a place of its own. @public */
export interface VolumeDriverCaseContext {
  /** Opens the driver on the case's place, once more at every call: as an engine that starts anew. */
  open(): Promise<VolumeDriver>
  /** Runs some work with a folder in which the data of a source is seen; what is mounted for that is unmounted. */
  enter<Result>(source: VolumeSource, work: (folder: string) => Promise<Result>): Promise<Result>
  /** Options that the driver needs to make a volume; none if not given. */
  readonly options?: Readonly<Record<string, string>>
}

/** One conformance case of the contract {@link VolumeDriver}. @public */
export interface VolumeDriverCase {
  readonly name: string
  run(context: VolumeDriverCaseContext): Promise<void>
}

/** A driver with a volume that is mounted, and how to look into it. */
interface Ground {
  readonly driver: VolumeDriver
  readonly context: VolumeDriverCaseContext
  volume(name: string): DriverVolume
  inside<Result>(volume: DriverVolume, work: (folder: string) => Promise<Result>, driver?: VolumeDriver): Promise<Result>
}

const user = 'c0ffee'.padEnd(64, '0')
const otherUser = 'decade'.padEnd(64, '0')

function driverCase(name: string, body: (ground: Ground) => Promise<void>): VolumeDriverCase {
  return {
    name,
    async run(context) {
      const driver = await context.open()
      await body({
        driver,
        context,
        volume: (volume) => ({ name: volume, options: context.options ?? {}, labels: {} }),
        async inside(volume, work, through = driver) {
          const source = await through.mount(volume, { user })
          try {
            return await context.enter(source, work)
          } finally {
            await through.unmount(volume, { user })
          }
        },
      })
    },
  }
}

const write = (text: string) => (folder: string) => writeFile(join(folder, 'file'), text)
const read = (folder: string) => readFile(join(folder, 'file'), 'utf8')

/** The conformance cases of {@link VolumeDriver}. @public */
export const volumeDriverCases: readonly VolumeDriverCase[] = [
  driverCase('has a name that records can keep', async ({ driver }) => assert.match(driver.name, /^[\w.-]+$/)),

  driverCase(
    'makes an empty folder that keeps what is written, and that a new engine finds',
    async ({ driver, context, volume, inside }) => {
      const data = volume('data')
      const { mountpoint } = await driver.create(data)
      assert.deepEqual(await inside(data, (folder) => readdir(folder)), [])
      await inside(data, write('kept'))
      assert.equal(await inside(data, read, await context.open()), 'kept')
      if (mountpoint !== undefined) assert.ok((await stat(mountpoint)).isDirectory())
    },
  ),

  driverCase('keeps volumes apart, also those with odd names', async ({ driver, volume, inside }) => {
    const names = ['a', 'A', 'a.b', 'a..b', 'a_-', '0', 'x'.repeat(255), 'f'.repeat(64)]
    for (const name of names) {
      await driver.create(volume(name))
      await inside(volume(name), write(name))
    }
    for (const name of names) assert.equal(await inside(volume(name), read), name)
    await driver.remove(volume('a'))
    for (const name of names.slice(1)) assert.equal(await inside(volume(name), read), name)
  }),

  driverCase('begins anew where something was left of a volume of this name', async ({ driver, volume, inside }) => {
    const data = volume('data')
    await driver.create(data)
    await inside(data, write('of yesterday'))
    await driver.create(data)
    assert.deepEqual(await inside(data, (folder) => readdir(folder)), [])
  }),

  driverCase('shows one volume to several users at once', async ({ driver, context, volume }) => {
    const data = volume('data')
    await driver.create(data)
    const [one, other] = [await driver.mount(data, { user }), await driver.mount(data, { user: otherUser })]
    await context.enter(one, write('shared'))
    await driver.unmount(data, { user })
    assert.equal(await context.enter(other, read), 'shared')
    await driver.unmount(data, { user: otherUser })
  }),

  driverCase('may be asked again for what it has done already', async ({ driver, context, volume }) => {
    const data = volume('data')
    await driver.unmount(volume('never was'), { user })
    await driver.remove(volume('never was'))
    await driver.create(data)
    await driver.mount(data, { user })
    await context.enter(await driver.mount(data, { user }), write('twice'))
    for (let time = 0; time < 2; time++) await driver.unmount(data, { user })
    for (let time = 0; time < 2; time++) await driver.remove(data)
  }),

  driverCase('removes the data, whatever it looks like', async ({ driver, volume, inside }) => {
    const data = volume('data')
    await driver.create(data)
    await inside(data, async (folder) => {
      await mkdir(join(folder, 'd/'.repeat(500)), { recursive: true })
      await writeFile(join(folder, 'd', 'file'), '')
      await chmod(join(folder, 'd'), 0)
    })
    await driver.remove(data)
    await driver.create(data)
    assert.deepEqual(await inside(data, (folder) => readdir(folder)), [])
  }),

  driverCase('tells what the data takes', async ({ driver, volume, inside }) => {
    const data = volume('data')
    await driver.create(data)
    const empty = await driver.usage(data)
    await inside(data, write('x'.repeat(10_000)))
    const full = await driver.usage(data)
    assert.ok(full.sizeBytes >= empty.sizeBytes + 10_000, `${full.sizeBytes} bytes`)
    assert.equal(full.inodes, empty.inodes + 1)
  }),

  driverCase('refuses options that it does not know, and leaves nothing of that', async ({ driver, volume, inside }) => {
    const data = volume('data')
    const options = { ...data.options, 'no-driver-knows-this': 'x' }
    await assert.rejects(driver.create({ ...data, options }), (error) => {
      assert.ok(isLibpodError(error, 'invalid-argument'))
      assert.equal(error.details.path, 'options.no-driver-knows-this')
      return true
    })
    await driver.create(data)
    assert.deepEqual(await inside(data, (folder) => readdir(folder)), [])
  }),
]
