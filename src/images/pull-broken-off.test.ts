import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
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

describe('a registry that breaks off', () => {
  /** Sends so much of the first layer each time, from where it is asked. */
  function breakOff(bytes: number, ranges: boolean, end: (request: IncomingMessage, response: ServerResponse) => void): { tries: number } {
    const count = { tries: 0 }
    misbehave((request, response, url) => {
      if (!isBlob(url, 0)) return false
      count.tries++
      const [, start = '0'] = (ranges ? /bytes=(\d+)-/.exec(request.headers.range ?? '') : undefined) ?? []
      const data = layerBytes(0).subarray(Number(start))
      response.writeHead(start === '0' ? 200 : 206, {
        'content-length': data.length,
        ...(start === '0' ? {} : { 'content-range': `bytes ${start}-${layerBytes(0).length - 1}/${layerBytes(0).length}` }),
      })
      const part = data.subarray(0, ranges ? bytes : bytes * count.tries)
      if (part.length === data.length) response.end(part)
      else response.write(part, () => end(request, response))
      return true
    })
    return count
  }

  it.each([
    ['and knows of ranges, goes on', true],
    ['and knows of none, goes on all the same', false],
  ])('in the middle of a layer %s', async (_, ranges) => {
    const count = breakOff(400_000, ranges, (request) => request.socket.destroy())
    await pull()
    expect(count.tries).toBe(4)
    expect(await suite.services.leftovers()).toEqual([])
  })

  it('without getting any further is given up', { timeout: 30_000 }, async () => {
    const count = breakOff(0, true, (request) => request.socket.destroy())
    await expectFailure('registry', /broke the connection off|could not be asked/, { retryable: true })
    expect(count.tries).toBe(5)
  })

  it('by saying nothing more is given up', { timeout: 30_000 }, async () => {
    breakOff(0, true, () => {})
    await expectFailure('registry', /stopped in the middle/, { retryable: true })
  })

  it('before it has said anything is given up', { timeout: 30_000 }, async () => {
    misbehave((_, __, url) => isManifest(url))
    await expectFailure('registry', /does not answer/, { retryable: true })
  })

  it('leaves what came for the next pull to go on with', { timeout: 30_000 }, async () => {
    let sent = false
    misbehave((request, response, url) => {
      if (!isBlob(url, 0)) return false
      if (sent) return status(404)(request, response, url)
      sent = true
      response.writeHead(200, { 'content-length': layerBytes(0).length })
      response.write(layerBytes(0).subarray(0, 700_000), () => request.socket.destroy())
      return true
    })
    await expect(pull()).rejects.toMatchObject({ code: 'not-found' })
    let range: string | undefined
    misbehave((request, _, url) => {
      if (isBlob(url, 0)) range = request.headers.range
      return false
    })
    await pull()
    expect(range).toMatch(/^bytes=[1-9]\d*-$/)
    expect(await suite.services.leftovers()).toEqual([])
  })

  it.each<[string, Misbehaviour]>([
    ['answers 416', status(416, { 'content-range': 'bytes */1000000' })],
    ['gives all of it as a range', (_, response) => range(response, 0, layerBytes(0))],
    ['gives another range', (_, response) => range(response, 5, layerBytes(0).subarray(5))],
    ['gives a range that is none', (_, response) => range(response, 'x', layerBytes(0))],
  ])('and then %s when it is to go on, is asked for all of it', { timeout: 30_000 }, async (_, answer) => {
    const ingest = await suite.services.store.content.ingest({ reference: suite.layers[0]?.digest ?? '' })
    await ingest.write(layerBytes(0).subarray(0, 500_000))
    await ingest.close()
    misbehave((request, response, url) => isBlob(url, 0) && request.headers.range !== undefined && answer(request, response, url))
    await pull()
    expect(await suite.services.leftovers()).toEqual([])
  })

  it('and gives another part although it is asked for all of it, is refused', async () => {
    misbehave((_, response, url) => isBlob(url, 0) && range(response, 5, layerBytes(0).subarray(5)))
    await expectFailure('registry', /another part/)
  })

  function range(response: ServerResponse, start: number | string, data: Buffer): true {
    response.writeHead(206, { 'content-length': data.length, 'content-range': `bytes ${start}-${layerBytes(0).length - 1}/*` }).end(data)
    return true
  }

  it('and whose beginning was damaged since, is asked for all of it', { timeout: 30_000 }, async () => {
    const [layer] = suite.layers
    const ingest = await suite.services.store.content.ingest({ reference: layer?.digest ?? '' })
    await ingest.write(Buffer.alloc(500_000))
    await ingest.close()
    await pull()
    expect(suite.registry.asked.filter((line) => line.endsWith(layer?.digest ?? ''))).toHaveLength(2)
  })
})

describe('a registry that leads elsewhere', () => {
  const redirect =
    (location: string): Misbehaviour =>
    (_, response, url) => {
      if (!isBlob(url, 0)) return false
      response.writeHead(307, { location }).end('x')
      return true
    }

  it('is followed, but not with what authorizes', async () => {
    const other = await fakeRegistry()
    try {
      const digest = suite.layers[0]?.digest ?? ''
      other.put(layerBytes(0))
      misbehave((request, response, url) => {
        if (request.headers.authorization === undefined)
          return status(401, { 'www-authenticate': 'Basic realm="x"' })(request, response, url)
        return redirect(`http://user:password@${other.host}/v2/x/blobs/${digest}?signature=a%2Fb`)(request, response, url)
      })
      await pull({ credentials: { username: 'me', password: 'secret' } })
      expect(other.asked).toEqual([`GET /v2/x/blobs/${digest}`])
      expect(other.authorizations).toEqual([undefined])
    } finally {
      await other.close()
    }
  })

  it('to somebody who wants to know a password learns none', async () => {
    const other = await fakeRegistry()
    try {
      other.misbehave = (_, response) => {
        response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${other.host}/token"` }).end()
        return true
      }
      suite.machine.credentials = { [suite.registry.host]: { username: 'me', password: 'secret' } }
      misbehave(redirect(`http://${other.host}/x`))
      await expectFailure('registry', /answered 401/)
      expect(other.authorizations).toEqual([undefined])
    } finally {
      await other.close()
    }
  })

  it.each([
    ['file:///etc/shadow', /a place of file:/],
    ['javascript:alert(1)', /a place of javascript:/],
    ['http://[', /leads to nowhere/],
    ['/v2/app/blobs/again', /without an end/],
  ])('to %s is not followed', async (location, message) => {
    misbehave(
      (request, response, url) =>
        redirect(location)(request, response, url) || (url.pathname.endsWith('again') && status(307, { location })(request, response, url)),
    )
    await expectFailure('registry', message)
  })
})

describe('a pull that is given up', () => {
  it.each(['manifest', 'layer'])('while the %s is waited for leaves nothing', async (what) => {
    const abort = new AbortController()
    const reason = new Error('mine')
    misbehave((_, response, url) => {
      if (!(what === 'layer' ? isBlob(url, 1) : isManifest(url))) return false
      response.writeHead(200)
      response.write('x')
      setTimeout(() => abort.abort(reason), 20)
      return true
    })
    await expect(pull({ signal: abort.signal })).rejects.toBe(reason)
    expect(await suite.images.list()).toEqual([])
    expect(suite.services.leased()).toEqual(new Set())
    await expect(pull({ signal: abort.signal })).rejects.toBe(reason)
  })

  it('because the runtime is closed says so', async () => {
    misbehave((_, response, url) => {
      if (!isBlob(url, 1)) return false
      response.writeHead(200)
      response.write('x')
      setTimeout(() => void suite.services.closer.close(), 20)
      return true
    })
    await expect(pull()).rejects.toMatchObject({ code: 'closed' })
  })

  it('does not stop another one of the same image', async () => {
    const abort = new AbortController()
    let slow = true
    misbehave((_, response, url) => {
      if (!isBlob(url, 0) || !slow) return false
      slow = false
      response.writeHead(200)
      response.write(layerBytes(0).subarray(0, 300_000))
      setTimeout(() => abort.abort(), 50)
      return true
    })
    const [first, second] = await Promise.allSettled([pull({ signal: abort.signal }), pull()])
    expect(first.status).toBe('rejected')
    expect(second.status).toBe('fulfilled')
    expect(await suite.services.leftovers()).toEqual([])
  })
})
