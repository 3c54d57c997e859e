import { execFileSync } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type LogDriverCaseContext, logDriverCases, type WrittenPiece } from '../log-driver.cases.ts'
import { k8sFileLogDriver } from './k8s-file.ts'
import { noneLogDriver } from './none.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'libpod-logs-'))
})

afterEach(() => rm(directory, { recursive: true }))

function contextOf(driver: LogDriverCaseContext['driver']): LogDriverCaseContext {
  const path = join(directory, 'container', 'ctr.log')
  return {
    driver,
    place: { id: 'a'.repeat(64), path },
    async write(pieces) {
      await mkdir(dirname(path), { recursive: true })
      await appendFile(path, Buffer.concat(pieces.map(record)))
    },
    async rotate() {
      await writeFile(`${path}.tmp`, '')
      await rename(`${path}.tmp`, path)
    },
  }
}

/** As conmon writes it. */
function record({ stream, data, complete, time = new Date() }: WrittenPiece): Buffer {
  const stamp = time.toISOString().replace(/\.(\d{3})Z$/, '.$1456789+00:00')
  return Buffer.concat([Buffer.from(`${stamp} ${stream} ${complete ? 'F' : 'P'} `), Buffer.from(data), Buffer.from('\n')])
}

describe('k8s-file', () => {
  it('takes away the log and a link to it, but neither a fifo nor a folder in its place', async () => {
    const driver = k8sFileLogDriver()
    const [file, link, fifo, folder] = ['file', 'link', 'fifo', 'folder'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
      string,
    ]
    await writeFile(file, '')
    await symlink(file, link)
    execFileSync('mkfifo', [fifo])
    await mkdir(folder)
    for (const path of [link, fifo, folder, join(file, 'below')]) await driver.remove({ id: 'a', path })
    expect((await readdir(directory)).sort()).toEqual(['fifo', 'file', 'folder'])
    await writeFile(`${file}.tmp`, 'somebody’s own')
    await driver.remove({ id: 'a', path: file })
    expect((await readdir(directory)).sort()).toEqual(['fifo', 'file.tmp', 'folder'])
    await driver.remove({ id: 'a', path: file, maxSizeBytes: 8192 })
    expect((await readdir(directory)).sort()).toEqual(['fifo', 'folder'])
  })

  for (const { name, run } of logDriverCases) it(name, () => run(contextOf(k8sFileLogDriver())))

  it('tells the monitor the largest size', () => {
    const { driver, place } = contextOf(k8sFileLogDriver())
    expect(driver.monitorArgs({ ...place, maxSizeBytes: 5 })).toEqual(['-l', `k8s-file:${place.path}`, '--log-size-max', '5'])
  })
})

describe('none', () => {
  for (const { name, run, requires } of logDriverCases) if (requires === undefined) it(name, () => run(contextOf(noneLogDriver())))

  it('refuses to read what is not kept', async () => {
    const { driver, place } = contextOf(noneLogDriver())
    const first = async (): Promise<unknown> => driver.read(place, {})[Symbol.asyncIterator]().next()
    await expect(first()).rejects.toMatchObject({ code: 'unsupported' })
  })
})
