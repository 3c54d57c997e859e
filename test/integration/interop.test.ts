import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { image, useEngine } from '../support/engine.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()
let place: string
const file = (name: string): string => join(place, name)
const skopeo = (...args: string[]): string => execFileSync('skopeo', args, { encoding: 'utf8', env: { ...process.env, TMPDIR: place } })

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'libpod-ts-'))
  await (await engine.runtime.images.get(image)).save({ path: file('saved.tar') })
})
afterAll(() => rm(place, { recursive: true, force: true }))

const run = async (ref: string): Promise<string> =>
  (await engine.runtime.containers.run({ image: ref, command: ['echo', 'runs'], network: 'none' })).stdout

describe('what is saved here', () => {
  it('skopeo reads', async () => {
    const { digest, layers, platform } = await (await engine.runtime.images.get(image)).inspect()
    expect(JSON.parse(skopeo('inspect', `oci-archive:${file('saved.tar')}`))).toMatchObject({
      Digest: digest,
      Os: platform.os,
      Architecture: platform.architecture,
      Layers: layers.map((layer) => layer.digest),
    })
    expect(JSON.parse(skopeo('inspect', '--config', `oci-archive:${file('saved.tar')}`))).toMatchObject({ config: { Cmd: ['/bin/sh'] } })
  })

  it('umoci unpacks', async () => {
    skopeo('copy', '--quiet', `oci-archive:${file('saved.tar')}`, `oci:${file('layout')}:tag`)
    execFileSync('umoci', ['unpack', '--image', `${file('layout')}:tag`, file('bundle')])
    expect(execFileSync(join(file('bundle'), 'rootfs/bin/busybox'), ['echo', 'unpacked'], { encoding: 'utf8' })).toBe('unpacked\n')
  })
})

describe('what others write', () => {
  it.each([
    ['oci-archive', 'oci.tar', ':localhost/from-oci:1', 'localhost/from-oci:1'],
    ['docker-archive', 'docker.tar', ':localhost/from-docker:1', 'localhost/from-docker:1'],
    ['oci', 'oci-folder', ':localhost/from-folder:1', 'localhost/from-folder:1'],
  ])('is loaded: skopeo’s %s', async (transport, name, suffix, ref) => {
    skopeo('copy', '--quiet', `oci-archive:${file('saved.tar')}`, `${transport}:${file(name)}${suffix}`)
    const loaded = await engine.runtime.images.load(file(name))
    expect((await loaded.inspect()).names).toContain(ref)
    expect(await run(ref)).toBe('runs\n')
  })

  it('is loaded: an image that umoci changed, with a layer more', async () => {
    const [layout, bundle] = [file('layout-2'), file('bundle-2')]
    skopeo('copy', '--quiet', `oci-archive:${file('saved.tar')}`, `oci:${layout}:old`)
    execFileSync('umoci', ['unpack', '--image', `${layout}:old`, bundle])
    execFileSync('/bin/sh', ['-ec', `cd ${bundle}/rootfs; echo new > new; rm bin/vi; mkdir -p var/deep; rm -rf var/tmp`])
    execFileSync('umoci', ['repack', '--image', `${layout}:new`, bundle])
    execFileSync('umoci', ['rm', '--image', `${layout}:old`])
    const loaded = await engine.runtime.images.load(layout)
    expect((await loaded.inspect()).layers).toHaveLength(2)
    const { stdout } = await engine.runtime.containers.run({
      image: loaded.id,
      command: ['sh', '-c', 'cat /new; ls /bin/vi /var 2>&1'],
      network: 'none',
    })
    expect(stdout).toMatch(/^new\n.*vi: No such file.*\n\/var:\ndeep\n$/s)
  })

  it('is loaded: gzip around an archive; of zstd it is said what to do', async () => {
    execFileSync('gzip', ['-1', '-k', file('saved.tar')])
    execFileSync('zstd', ['-q', '-1', file('saved.tar')])
    const { id } = await engine.runtime.images.get(image)
    expect((await engine.runtime.images.load(file('saved.tar.gz'))).id).toBe(id)
    expect(await failure(engine.runtime.images.load(file('saved.tar.zst')))).toMatchObject({
      code: 'unsupported',
      hint: expect.stringContaining('zstd -d'),
    })
  })
})
