import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { beforeAll, expect, it } from 'vitest'
import { useEngine } from '../support/engine.ts'

const engine = useEngine()
const filled = 'localhost/filled:latest'

beforeAll(async () => {
  const archive = pack()
  for (const name of ['bin', 'dev', 'etc', 'proc', 'run', 'sys', 'tmp']) archive.entry({ name: `${name}/`, type: 'directory', mode: 0o755 })
  archive.entry({ name: 'bin/busybox', mode: 0o755 }, readFileSync('/bin/busybox'))
  archive.entry({ name: 'bin/sh', type: 'symlink', linkname: 'busybox' })
  archive.entry({ name: 'data/', type: 'directory', mode: 0o750, uid: 33, gid: 34 })
  archive.entry({ name: 'data/file', mode: 0o640, uid: 33, gid: 34 }, 'of the image\n')
  archive.finalize()
  await engine.runtime.images.import(Readable.from(archive), { tag: filled })
})

it('a volume is filled with what the image has, owners and modes kept, and outlives its container', async () => {
  const { containers, volumes } = engine.runtime
  const run = async (command: readonly string[]): Promise<string> =>
    (
      await containers.run({
        image: filled,
        command: ['busybox', ...command],
        network: 'none',
        mounts: [{ type: 'volume', source: 'kept', target: '/data' }],
      })
    ).stdout
  expect(await run(['stat', '-c', '%u:%g %a', '/data', '/data/file'])).toBe('33:34 750\n33:34 640\n')
  await run(['sh', '-c', 'echo more > /data/more'])
  expect(await run(['cat', '/data/file', '/data/more'])).toBe('of the image\nmore\n')
  await (await volumes.get('kept')).remove()
  expect(await volumes.list()).toEqual([])
})

it('an owner for whom there is no room is named', async () => {
  const { containers } = engine.runtime
  const options = { image: filled, command: ['busybox', 'true'], network: 'none', user: '4000000' } as const
  const refusal = { code: 'unsupported', details: { what: 'owner 4000000:0' } }
  await expect(containers.run({ ...options, mounts: [{ type: 'volume', target: '/fresh' }] })).rejects.toMatchObject(refusal)
  expect(await containers.list()).toEqual([])
})
