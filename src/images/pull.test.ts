import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dockerMediaTypes } from '../specs/docker-image.ts'
import { ociMediaTypes } from '../specs/image-spec.ts'
import type { PullImageProgress } from './pull/pull-progress.ts'
import { type PullSuite, pullSuite } from './pull-suite.ts'

let suite: PullSuite
beforeEach(async () => {
  suite = await pullSuite()
})
afterEach(() => suite.close())

const pull = (name = suite.name, options: Parameters<PullSuite['images']['pull']>[1] = {}) =>
  suite.images.pull(name, { tlsVerify: false, ...options })
const blobsAsked = (): string[] => suite.registry.asked.filter((line) => line.includes('/blobs/'))

describe('pull', () => {
  it('brings an image with its names and digests, and tells of it', async () => {
    const image = await pull()
    const { registry, services, manifest, layers } = suite
    const repository = `${registry.host}/app`
    expect(await image.inspect()).toMatchObject({
      names: [suite.name],
      digest: manifest.digest,
      repoDigests: [`${repository}@${manifest.digest}`],
      config: { command: ['/bin/sh'] },
    })
    expect((await image.inspect()).layers.map(({ digest }) => digest)).toEqual(layers.map(({ digest }) => digest))
    expect(services.events.map(({ action, name }) => `${action} ${name}`)).toEqual([`pull ${suite.name}`])
    expect(await services.leftovers()).toEqual([])
    expect(services.warnings).toEqual([])
    for (const name of [suite.name, `${repository}@${manifest.digest}`, `docker://${suite.name}`])
      expect((await suite.images.get(name)).id).toBe(image.id)
  })

  it('takes a name with its transport, also where the registry is an address', async () => {
    expect((await (await pull(`docker://${suite.name}`)).inspect()).names).toEqual([suite.name])
  })

  it('does not fetch again what is there', async () => {
    await pull()
    const before = blobsAsked().length
    await pull()
    expect(blobsAsked()).toHaveLength(before)
    suite.registry.tag('2', suite.addImage({ author: 'somebody else' }))
    await pull(`${suite.registry.host}/app:2`)
    // Its configuration is another one.
    expect(blobsAsked()).toHaveLength(before + 1)
    expect(suite.services.extractions).toBe(2)
  })

  it('fetches once what several want at the same time', async () => {
    const images = await Promise.all(Array.from({ length: 4 }, () => pull()))
    expect(new Set(images.map(({ id }) => id)).size).toBe(1)
    for (const { digest } of suite.layers) expect(suite.registry.asked.filter((line) => line.endsWith(`/blobs/${digest}`))).toHaveLength(1)
    expect(suite.services.extractions).toBe(2)
  })

  it('tells how far it is', async () => {
    const seen: PullImageProgress[] = []
    await pull(suite.name, { onProgress: (progress) => void seen.push(progress) })
    const totalBytes = suite.layers.reduce((total, { size }) => total + size, 0)
    expect(seen.at(-1)).toEqual({ phase: 'done', bytes: totalBytes, totalBytes })
    expect(seen.filter(({ phase }) => phase === 'read').at(-1)).toMatchObject({ bytes: totalBytes, totalBytes })
    expect(seen.filter(({ phase }) => phase === 'extract').map(({ layer }) => layer?.digest)).toEqual(
      suite.layers.map(({ digest }) => digest),
    )
  })

  it('survives a listener that throws', async () => {
    await pull(suite.name, {
      onProgress: () => {
        throw new Error('mine')
      },
    })
    expect(suite.services.warnings).toEqual([expect.stringContaining('onProgress callback threw')])
  })

  it('by digest gives no name, also with a tag', async () => {
    const repository = `${suite.registry.host}/app`
    const image = await pull(`${repository}@${suite.manifest.digest}`)
    expect(await image.inspect()).toMatchObject({ names: [], repoDigests: [`${repository}@${suite.manifest.digest}`] })
    expect((await pull(`${repository}:1@${suite.manifest.digest}`)).id).toBe(image.id)
    expect((await image.inspect()).names).toEqual([])
  })

  it('gives up its name to the image that has it now', async () => {
    const first = await pull()
    suite.registry.tag('1', suite.addImage({ author: 'somebody else' }))
    const second = await pull()
    expect((await first.inspect()).names).toEqual([])
    expect((await second.inspect()).names).toEqual([suite.name])
  })

  it.each([
    ['an OCI index', ociMediaTypes.index, undefined],
    ['a manifest list of Docker', dockerMediaTypes.list, undefined],
    ['an index that the registry calls nothing in particular', ociMediaTypes.index, 'application/json'],
  ])('chooses the platform from %s', async (_, mediaType, served) => {
    const arm = suite.addImage({ architecture: 'arm64' })
    const platform = (architecture: string) => ({ os: 'linux', architecture })
    const manifests = [
      { ...arm, platform: platform('arm64') },
      { ...suite.manifest, platform: platform('amd64') },
      { ...suite.manifest, digest: `sha256:${'0'.repeat(64)}`, platform: { os: 'unknown', architecture: 'unknown' } },
    ]
    const nested = suite.registry.put({ schemaVersion: 2, mediaType, manifests: [{ ...arm, platform: platform('riscv64') }] }, mediaType)
    const index = suite.registry.put(
      { schemaVersion: 2, mediaType, manifests: [...manifests, { ...nested, platform: platform('s390x') }] },
      served ?? mediaType,
    )
    suite.registry.tag('many', index)
    const name = `${suite.registry.host}/app:many`
    const own = await (await pull(name)).inspect()
    expect(own.digest).toBe(suite.manifest.digest)
    expect([...own.repoDigests].sort()).toEqual([suite.manifest, index].map(({ digest }) => `${suite.registry.host}/app@${digest}`).sort())
    const other = await (await pull(name, { platform: 'linux/arm64' })).inspect()
    expect(other).toMatchObject({ digest: arm.digest, platform: { architecture: 'arm64' } })
    await expect(pull(name, { platform: 'linux/ppc64le' })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('linux/arm64, linux/amd64, linux/s390x') as string,
    })
    await expect(pull(name, { platform: 'linux/s390x' })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('riscv64') as string,
    })
  })

  it('refuses another platform than was asked for where there is one only', async () => {
    await expect(pull(suite.name, { platform: 'linux/arm64' })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('linux/amd64') as string,
    })
    expect(await suite.images.list()).toEqual([])
  })
})

describe('policies of a pull', () => {
  const newer = (): void => suite.registry.tag('1', suite.addImage({ author: 'newer' }))

  it('missing asks only if there is no such image', async () => {
    const first = await pull(suite.name, { policy: 'missing' })
    const { length } = suite.registry.asked
    newer()
    expect((await pull(suite.name, { policy: 'missing' })).id).toBe(first.id)
    expect(suite.registry.asked).toHaveLength(length)
    await expect(pull(suite.name, { policy: 'missing', platform: 'linux/arm64' })).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('newer fetches what differs, and is content with what is there if nobody answers', async () => {
    const first = await pull(suite.name, { policy: 'newer' })
    expect((await pull(suite.name, { policy: 'newer' })).id).toBe(first.id)
    expect(suite.services.events).toHaveLength(1)
    newer()
    const second = await pull(suite.name, { policy: 'newer' })
    expect(second.id).not.toBe(first.id)
    suite.registry.misbehave = (_, response) => {
      response.writeHead(403).end()
      return true
    }
    expect((await pull(suite.name, { policy: 'newer' })).id).toBe(second.id)
    expect(suite.services.warnings).toEqual([expect.stringContaining('403')])
  })

  it('never asks nobody', async () => {
    await expect(pull(suite.name, { policy: 'never' })).rejects.toMatchObject({ code: 'not-found' })
    expect(suite.registry.asked).toEqual([])
    const image = await pull()
    expect((await pull(suite.name, { policy: 'never' })).id).toBe(image.id)
    expect((await pull(suite.name, { policy: 'never', platform: 'linux/amd64' })).id).toBe(image.id)
    await expect(pull(suite.name, { policy: 'never', platform: 'linux/arm64' })).rejects.toMatchObject({
      code: 'unsupported',
      details: { what: 'linux/arm64' },
    })
  })
})

describe('names of a pull', () => {
  const missing =
    (part: string): NonNullable<PullSuite['registry']['misbehave']> =>
    (_, response, url) => {
      if (!url.pathname.includes(part)) return false
      response.writeHead(404).end()
      return true
    }

  it('without a registry are looked for as registries.conf says', async () => {
    const { host } = suite.registry
    await expect(pull('app:1')).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('registries.conf') as string,
    })
    suite.machine.rules = { ...suite.machine.rules, searchRegistries: [`${host}/nothing`, host] }
    suite.registry.misbehave = missing('/nothing/')
    expect((await (await pull('app:1')).inspect()).names).toEqual([suite.name])
    await expect(pull('app:none')).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('None of') as string })
    await expect(pull('app:1', { credentials: { token: 'x' } })).rejects.toMatchObject({ code: 'invalid-argument' })
    suite.machine.rules = { ...suite.machine.rules, shortNameMode: 'enforcing' }
    await expect(pull('app:1')).rejects.toMatchObject({
      code: 'ambiguous',
      details: { candidates: [`${host}/nothing/app`, `${host}/app`] },
    })
    suite.machine.rules = { ...suite.machine.rules, aliases: { short: `${host}/app` } }
    expect((await (await pull('short:1')).inspect()).names).toEqual([suite.name])
  })

  it('go to mirrors first, under their own name, and to none that is blocked', async () => {
    const { host } = suite.registry
    const rule = { prefix: 'far.example/team', location: undefined, insecure: false, blocked: false, mirrors: [] }
    const mirrors = ['gone', ''].map((path) => ({
      location: path === '' ? host : `${host}/${path}`,
      insecure: true,
      pullFrom: 'all' as const,
    }))
    suite.machine.rules = { ...suite.machine.rules, registries: [{ ...rule, mirrors }] }
    suite.registry.misbehave = missing('/gone/')
    const image = await suite.images.pull('far.example/team/app:1')
    expect((await image.inspect()).names).toEqual(['far.example/team/app:1'])
    expect(suite.registry.asked.filter((line) => line.includes('/manifests/'))).toEqual([
      'GET /v2/gone/app/manifests/1',
      'GET /v2/app/manifests/1',
    ])
    suite.machine.rules = { ...suite.machine.rules, registries: [{ ...rule, prefix: host, blocked: true }] }
    await expect(pull()).rejects.toMatchObject({ code: 'permission-denied' })
  })

  it('of other transports are refused', async () => {
    await expect(pull('oci-archive:/tmp/x.tar')).rejects.toMatchObject({ code: 'unsupported' })
    await expect(pull('docker-daemon:x')).rejects.toMatchObject({ code: 'unsupported' })
    await expect(pull('Capital')).rejects.toMatchObject({ code: 'invalid-argument' })
  })

  it.each([
    [{ policy: 'sometimes' }, 'policy'],
    [{ tlsVerify: 'no' }, 'tlsVerify'],
    [{ credentials: { username: 'a:b', password: 'x' } }, 'credentials'],
    [{ credentials: { token: 'a\nb' } }, 'credentials'],
    [{ retries: 3 }, 'retries'],
    [{ onProgress: 1 }, 'onProgress'],
    [{ platform: 'a/b/c/d' }, 'platform'],
  ])('and options such as %j as well', async (options, path) => {
    const error = await pull(suite.name, options as object).catch((reason: Error) => reason)
    expect(error).toMatchObject({ code: 'invalid-argument', message: expect.stringContaining(path) as string })
    expect(suite.registry.asked).toEqual([])
  })
})

describe('credentials of a pull', () => {
  const basic = (name: string, password: string): string => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`

  it('are sent only where they are asked for, and only to whom they belong', async () => {
    const right = basic('me', 'secret')
    suite.registry.misbehave = (request, response) => {
      if (request.headers.authorization === right) return false
      response.writeHead(401, { 'www-authenticate': 'Digest x="y", Basic realm="here"' }).end()
      return true
    }
    await expect(pull()).rejects.toMatchObject({
      code: 'registry',
      details: { status: 401 },
      message: expect.stringContaining('podman login') as string,
    })
    await expect(pull(suite.name, { credentials: { username: 'me', password: 'wrong' } })).rejects.toMatchObject({
      code: 'registry',
      message: expect.stringContaining('are wrong') as string,
    })
    suite.machine.credentials = { [suite.registry.host]: { username: 'me', password: 'secret' } }
    suite.registry.authorizations.length = 0
    await pull()
    expect(suite.registry.authorizations.slice(0, 2)).toEqual([undefined, right])
  })

  it('are changed for tokens, anew when those run out', async () => {
    let tokens = 0
    const left = new Map<string, number>()
    const wanted: string[] = []
    suite.registry.misbehave = (request, response, url) => {
      if (url.pathname === '/token') {
        wanted.push(`${request.headers.authorization ?? 'nobody'} ${url.search}`)
        const token = `T${++tokens}`
        left.set(`Bearer ${token}`, 2)
        response.end(JSON.stringify(tokens % 2 === 0 ? { access_token: token } : { token, expires_in: 60 }))
        return true
      }
      const count = left.get(request.headers.authorization ?? '') ?? 0
      left.set(request.headers.authorization ?? '', count - 1)
      if (count > 0) return false
      const realm = `http://${suite.registry.host}/token`
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="the, service",scope="repository:app:pull"` }).end()
      return true
    }
    await pull()
    expect(tokens).toBeGreaterThan(1)
    expect(wanted[0]).toBe('nobody ?service=the%2C+service&scope=repository%3Aapp%3Apull')
    suite.machine.credentials = { [suite.registry.host]: { username: 'me', password: 'secret' } }
    left.clear()
    await pull(suite.name)
    expect(wanted.at(-1)).toBe(`${basic('me', 'secret')} ?service=the%2C+service&scope=repository%3Aapp%3Apull&account=me`)
  })

  it('may be tokens themselves', async () => {
    const bodies: string[] = []
    suite.registry.misbehave = (request, response, url) => {
      if (url.pathname === '/token') {
        request.on('data', (data: Buffer) => bodies.push(data.toString()))
        request.on('end', () => response.end('{"access_token":"A"}'))
        return true
      }
      if (request.headers.authorization === 'Bearer A') return false
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${suite.registry.host}/token",service="s"` }).end()
      return true
    }
    await pull(suite.name, { credentials: { token: 'A' } })
    expect(bodies).toEqual([])
    suite.machine.credentials = { [suite.registry.host]: { username: '', identityToken: 'I' } }
    await pull()
    expect(bodies).toEqual(['grant_type=refresh_token&client_id=libpod-ts&scope=repository%3Aapp%3Apull&refresh_token=I&service=s'])
  })
})
