import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { digestOf } from '../base/digest.ts'
import { dockerMediaTypes, dockerSchema1MediaTypes } from '../specs/docker-image.ts'
import { ociMediaTypes } from '../specs/image-spec.ts'
import { fakeRegistry } from './fake-registry.ts'
import { type HostileSuite, hostileSuite, isManifest, type Misbehaviour, status } from './pull-hostile-suite.ts'
import type { PullSuite } from './pull-suite.ts'

let hostile: HostileSuite
let suite: PullSuite
beforeEach(async () => {
  hostile = await hostileSuite()
  suite = hostile.suite
})
afterEach(() => suite.close())

const pull: HostileSuite['pull'] = (options) => hostile.pull(options)
const misbehave: HostileSuite['misbehave'] = (how) => hostile.misbehave(how)
const expectFailure: HostileSuite['expectFailure'] = (...args) => hostile.expectFailure(...args)
const isBlob: HostileSuite['isBlob'] = (...args) => hostile.isBlob(...args)
const layerBytes: HostileSuite['layerBytes'] = (index) => hostile.layerBytes(index)

describe('a registry that refuses', () => {
  it.each([
    ['401', status(401), 'registry', /Give \{ credentials \}/, { status: 401, retryable: false }],
    ['401 without end', status(401, { 'www-authenticate': 'Bearer realm="nonsense"' }), 'registry', /does not say from where/, {}],
    [
      '401 with a token from a file',
      status(401, { 'www-authenticate': 'Bearer realm="file:///etc/passwd"' }),
      'registry',
      /could read along/,
      {},
    ],
    [
      '403',
      status(403, {}, '{"errors":[{"code":"DENIED","message":"not for \\u0007 you"}]}'),
      'registry',
      /403 .*\(not for {3}you\)/,
      { status: 403 },
    ],
    ['404', status(404, {}, '<html>'), 'not-found', /does not have the manifest of/, { kind: 'image' }],
    [
      '429 for an hour',
      status(429, { 'retry-after': '3600' }),
      'registry',
      /limits how much/,
      { status: 429, retryable: true, retryAfterMs: 3_600_000 },
    ],
    ['429 until a date', status(429, { 'retry-after': 'Fri, 01 Jan 2100 00:00:00 GMT' }), 'registry', /limits how much/, { status: 429 }],
    ['400', status(400), 'registry', /answered 400/, { status: 400, retryable: false }],
    ['501', status(501), 'registry', /answered 501/, { retryable: false }],
  ])('with %s is asked once', async (_, how, code, message, details) => {
    misbehave(how)
    await expectFailure(code, message, details)
    expect(suite.registry.asked.filter((line) => line.endsWith('/manifests/1')).length).toBeLessThanOrEqual(2)
  })

  it.each([429, 500, 502, 503, 504])('with %i for a while is asked again', async (code) => {
    let left = 2
    misbehave((_, response) => {
      if (left === 0) return false
      left--
      response.writeHead(code, code === 429 ? { 'retry-after': '0' } : {}).end('x'.repeat(100_000))
      return true
    })
    await pull()
    expect(left).toBe(0)
  })

  it('with 503 for ever is given up', { timeout: 30_000 }, async () => {
    misbehave((_, response, url) => isBlob(url, 1) && status(503)(_, response, url))
    await expectFailure('registry', /answered 503/, { status: 503, retryable: true })
    expect(suite.registry.asked.filter((line) => line.endsWith(suite.layers[1]?.digest ?? '')).length).toBe(6)
  })

  it('has a layer that is gone', async () => {
    misbehave((_, response, url) => isBlob(url, 0) && status(404)(_, response, url))
    await expectFailure('not-found', /does not have the blob/, { kind: 'blob' })
  })

  it('is not there at all', async () => {
    const name = await (async () => {
      const other = await fakeRegistry()
      await other.close()
      return `${other.host}/app:1`
    })()
    await expect(suite.images.pull(name)).rejects.toMatchObject({
      code: 'registry',
      message: expect.stringMatching(/could not be asked for the manifest of .*\/app:1: nobody listens there/) as string,
    })
  })

  it('speaks plain HTTP, where that was not allowed', async () => {
    await expect(suite.images.pull(suite.name)).rejects.toMatchObject({
      code: 'registry',
      message: expect.stringContaining('tlsVerify: false') as string,
    })
    await expect(suite.images.pull(suite.name, { tlsVerify: true })).rejects.toMatchObject({ code: 'registry' })
  })
})

describe('a registry that lies', () => {
  const document =
    (data: Buffer | string, headers: Record<string, string> = {}): Misbehaviour =>
    (_, response, url) => {
      if (!isManifest(url)) return false
      response.writeHead(200, { 'content-type': ociMediaTypes.manifest, ...headers }).end(data)
      return true
    }

  it.each([
    ['rubbish', document('<html>Log in here</html>', { 'content-type': 'text/html' }), 'corrupt', /not JSON/],
    ['a list', document('[]'), 'corrupt', /not an object/],
    ['null', document('null'), 'corrupt', /not an object/],
    ['too much', document(Buffer.alloc(9 << 20, ' ')), 'corrupt', /more than 8388608 bytes/],
    ['another digest', document('{}', { 'docker-content-digest': `sha256:${'1'.repeat(64)}` }), 'corrupt', /instead of sha256:111/],
    ['something else', document('{"schemaVersion":2,"mediaType":"text/x"}', { 'content-type': 'text/plain' }), 'unsupported', /of text\/x/],
    ['a schema of old', document('{"schemaVersion":1}', { 'content-type': dockerSchema1MediaTypes[0] }), 'unsupported', /first schema/],
    [
      'two things at once',
      document(`{"schemaVersion":2,"mediaType":"${dockerMediaTypes.list}","manifests":[]}`),
      'corrupt',
      /calls itself/,
    ],
    [
      'an index with layers',
      document('{"schemaVersion":2,"manifests":[],"layers":[],"config":{}}', { 'content-type': ociMediaTypes.index }),
      'corrupt',
      /index and a manifest/,
    ],
  ])('with %s for a manifest', async (_, how, code, message) => {
    misbehave(how)
    await expectFailure(code, message)
  })

  it('with an index that leads to itself, or deeper and deeper', async () => {
    let deep = suite.manifest
    for (let depth = 0; depth < 6; depth++)
      deep = suite.registry.put({ schemaVersion: 2, mediaType: ociMediaTypes.index, manifests: [deep] }, ociMediaTypes.index)
    suite.registry.tag('deep', deep)
    const name = `${suite.registry.host}/app:deep`
    await expect(suite.images.pull(name, { tlsVerify: false })).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('nested') as string,
    })
  })

  it.each<readonly [string, Record<string, unknown>, string]>([
    ['size of a manifest', { size: 3 }, 'bytes instead of 3'],
    ['type of a manifest', { mediaType: dockerMediaTypes.manifest }, 'its index calls it'],
  ])('about the %s in an index', async (_, change, message) => {
    const manifests = [{ ...suite.manifest, ...change, platform: { os: 'linux', architecture: 'amd64' } }]
    suite.registry.tag('1', suite.registry.put({ schemaVersion: 2, mediaType: ociMediaTypes.index, manifests }, ociMediaTypes.index))
    await expect(pull()).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining(message) as string })
    expect(await suite.services.leftovers()).toEqual([])
  })

  it.each<readonly [string, (data: Buffer) => Buffer, RegExp]>([
    ['other bytes', (data) => Buffer.from(data).reverse(), /its digest is sha256/],
    ['one byte too many', (data) => Buffer.concat([data, Buffer.of(1)]), /bytes/],
  ])('with %s in a layer, in pieces of no announced length', async (_, change, message) => {
    misbehave((_request, response, url) => {
      if (!isBlob(url, 1)) return false
      const data = change(layerBytes(1))
      response.writeHead(200)
      for (let at = 0; at < data.length; at += 100_000) response.write(data.subarray(at, at + 100_000))
      response.end()
      return true
    })
    await expectFailure('corrupt', message)
  })

  it('about the length of a layer', async () => {
    misbehave((_request, response, url) => {
      if (!isBlob(url, 0)) return false
      response.writeHead(200, { 'content-length': 10 }).end('0123456789')
      return true
    })
    await expectFailure('corrupt', /10 bytes instead of/)
  })

  it('about the part of a layer that it sends', async () => {
    let first = true
    misbehave((request, response, url) => {
      if (!isBlob(url, 0)) return false
      if (first) {
        first = false
        response.writeHead(200, { 'content-length': layerBytes(0).length })
        response.write(layerBytes(0).subarray(0, 600_000), () => request.socket.destroy())
        return true
      }
      response.writeHead(206, { 'content-range': 'bytes 5-10/100' }).end('xxxxx')
      return true
    })
    await expectFailure('registry', /another part/)
  })

  it('with a configuration that is none, or another', async () => {
    misbehave((_request, response, url) => {
      if (!url.pathname.includes('/blobs/') || isBlob(url, 0) || isBlob(url, 1)) return false
      response.end('{}')
      return true
    })
    await expectFailure('corrupt', /bytes/)
    const config = suite.registry.put({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] } })
    const described = { ...config, mediaType: ociMediaTypes.config }
    suite.registry.tag('1', suite.registry.put({ schemaVersion: 2, config: described, layers: suite.layers }, ociMediaTypes.manifest))
    await expect(pull()).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining('2 layers') as string })
  })

  it('about what a layer has in it', async () => {
    const wrong = digestOf('something else')
    const config = suite.registry.put({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [wrong, wrong] } })
    const described = { ...config, mediaType: ociMediaTypes.config }
    suite.registry.tag('1', suite.registry.put({ schemaVersion: 2, config: described, layers: suite.layers }, ociMediaTypes.manifest))
    await expect(pull()).rejects.toMatchObject({ code: 'corrupt' })
    expect(await suite.images.list()).toEqual([])
    expect(suite.services.leased()).toEqual(new Set())
  })

  it('with more layers than can be mounted, is not asked for them', async () => {
    const config = { ...suite.registry.put({ os: 'linux' }), mediaType: ociMediaTypes.config }
    const layers = Array.from({ length: 161 }, () => suite.layers[0])
    suite.registry.tag('1', suite.registry.put({ schemaVersion: 2, config, layers }, ociMediaTypes.manifest))
    await expect(pull()).rejects.toMatchObject({ code: 'unsupported', details: { what: '161 layers' } })
    expect(suite.registry.asked.filter((line) => line.includes('/blobs/'))).toEqual([])
  })

  it('about its platforms is not quoted without an end', async () => {
    const manifests = Array.from({ length: 1000 }, (_, at) => ({
      ...suite.manifest,
      platform: { os: 'linux', architecture: `a${at % 500}` },
    }))
    suite.registry.tag('1', suite.registry.put({ schemaVersion: 2, mediaType: ociMediaTypes.index, manifests }, ociMediaTypes.index))
    await expect(pull()).rejects.toMatchObject({ code: 'unsupported', hint: expect.stringMatching(/linux\/a19, 480 more;/) as string })
  })
})
