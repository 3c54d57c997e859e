import { execFileSync } from 'node:child_process'
import { createSign, generateKeyPairSync, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Runtime, type RuntimeOptions } from 'libpod-ts'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { failingLogger, image, useEngine } from '../support/engine.ts'
import { makeCertificates, push, startRegistry, type TestRegistry } from '../support/registry.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()
let place: string
let archive: string

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'libpod-ts-'))
  archive = join(place, 'busybox.tar')
  await (await engine.runtime.images.get(image)).save({ path: archive })
})
afterAll(() => rm(place, { recursive: true, force: true }))

/** An engine of its own root, for a user with this home. */
async function withHome<T>(home: string, work: (runtime: Runtime) => Promise<T>, options: RuntimeOptions = {}): Promise<T> {
  const root = await mkdtemp(join(place, 'engine-'))
  for (const name of ['XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME']) vi.stubEnv(name, undefined)
  vi.stubEnv('HOME', home)
  vi.stubEnv('REGISTRY_AUTH_FILE', join(home, 'auth.json'))
  const runtime = await Runtime.open({ root: join(root, 'root'), runRoot: join(root, 'run'), logger: failingLogger, ...options })
  try {
    return await work(runtime)
  } finally {
    await runtime.close()
    vi.unstubAllEnvs()
  }
}

async function makeHome(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const home = await mkdtemp(join(place, 'home-'))
  for (const [name, text] of Object.entries({ 'auth.json': '{}', ...files })) {
    await mkdir(join(home, name, '..'), { recursive: true })
    await writeFile(join(home, name), text)
  }
  return home
}

describe('a registry with TLS', () => {
  let registry: TestRegistry
  let ca: string
  beforeAll(async () => {
    const certificates = await makeCertificates(place)
    ca = certificates.ca
    registry = await startRegistry({ tls: certificates })
    push(archive, `${registry.host}/busybox:1`)
  })
  afterAll(() => registry.close())

  it('is trusted where its authority lies in certs.d, and otherwise only if that does not matter', async () => {
    const name = `${registry.host}/busybox:1`
    await withHome(await makeHome(), async ({ images }) => {
      expect(await failure(images.pull(name))).toMatchObject({
        code: 'registry',
        details: { retryable: false },
        message: expect.stringContaining(`certs.d/${registry.host}`) as string,
      })
      expect(await images.list()).toEqual([])
      await images.pull(name, { tlsVerify: false })
    })
    const home = await makeHome({ [`.config/containers/certs.d/${registry.host}/ca.crt`]: ca })
    await withHome(home, async ({ images }) => {
      expect((await (await images.pull(name, { tlsVerify: true })).inspect()).names).toEqual([name])
    })
  })

  it('is insecure where registries.conf says so, unless the caller does not want that', async () => {
    const name = `${registry.host}/busybox:1`
    const conf = `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`
    await withHome(await makeHome({ '.config/containers/registries.conf': conf }), async ({ images }) => {
      await failure(images.pull(name, { tlsVerify: true }))
      await images.pull(name)
    })
  })
})

describe('a registry behind a proxy', () => {
  let registry: TestRegistry
  let proxy: Server
  const tunnels: string[] = []
  beforeAll(async () => {
    registry = await startRegistry()
    push(archive, `${registry.host}/busybox:1`)
    proxy = createServer().on('connect', ({ url = '' }, client: Socket) => {
      tunnels.push(url)
      const through = connect(Number(registry.host.split(':')[1]), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n')
        through.pipe(client).on('error', () => through.destroy())
        client.pipe(through).on('error', () => client.destroy())
      })
    })
    await once(proxy.listen(0, '127.0.0.1'), 'listening')
  })
  afterAll(async () => {
    proxy.closeAllConnections()
    await new Promise((resolve) => proxy.close(resolve))
    await registry.close()
  })

  it('is reached through it, as the environment says', async () => {
    const home = await makeHome()
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    for (const name of ['http_proxy', 'https_proxy']) vi.stubEnv(name, address)
    await withHome(home, async ({ images }) => {
      await images.pull('registry.example:5000/busybox:1', { tlsVerify: false })
      expect((await images.list()).flatMap(({ names }) => names)).toEqual(['registry.example:5000/busybox:1'])
    })
    expect(new Set(tunnels)).toEqual(new Set(['registry.example:5000']))
  })
})

describe('a registry that wants a password', () => {
  let registry: TestRegistry
  beforeAll(async () => {
    registry = await startRegistry({ users: { me: 'secret:with:colons' } })
    push(archive, `${registry.host}/busybox:1`, '--dest-creds', 'me:secret:with:colons')
  })
  afterAll(() => registry.close())

  it('gets it from the caller or from auth.json, and nobody in without', async () => {
    const name = `${registry.host}/busybox:1`
    await withHome(await makeHome(), async ({ images }) => {
      const options = { tlsVerify: false }
      expect(await failure(images.pull(name, options))).toMatchObject({ code: 'registry', details: { status: 401 } })
      expect(await failure(images.pull(name, { ...options, credentials: { username: 'me', password: 'wrong' } }))).toMatchObject({
        code: 'registry',
        details: { status: 401 },
        message: expect.stringContaining('wrong') as string,
      })
      expect(await images.list()).toEqual([])
      await images.pull(name, { ...options, credentials: { username: 'me', password: 'secret:with:colons' } })
    })
    const home = await makeHome()
    // As somebody logs in.
    const login = ['login', '--tls-verify=false', '--authfile', join(home, 'auth.json'), '-u', 'me', '--password-stdin', registry.host]
    execFileSync('skopeo', login, { input: 'secret:with:colons', stdio: ['pipe', 'ignore', 'pipe'] })
    await withHome(home, async ({ images }) => void (await images.pull(name, { tlsVerify: false })))
  })
})

describe('a registry that wants a token', () => {
  let registry: TestRegistry
  let tokens: Server
  const asked: string[] = []

  beforeAll(async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const key = join(place, 'token.key')
    await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    execFileSync('openssl', ['req', '-x509', '-key', key, '-out', join(place, 'token.crt'), '-subj', '/CN=tokens', '-days', '2'])
    const der = execFileSync('openssl', ['x509', '-in', join(place, 'token.crt'), '-outform', 'DER'])
    tokens = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://tokens')
      const user = Buffer.from((request.headers.authorization ?? '').replace('Basic ', ''), 'base64').toString()
      asked.push(`${user} ${url.searchParams.getAll('scope').join(' ')}`)
      if (user !== '' && user !== 'me:secret') return void response.writeHead(401).end()
      const access = url.searchParams.getAll('scope').map((scope) => {
        const [type, name, actions = ''] = scope.split(':')
        return { type, name, actions: actions.split(',').filter((action) => action === 'pull' || user !== '') }
      })
      const now = Math.floor(Date.now() / 1000)
      const claims = {
        iss: 'tokens',
        sub: 'me',
        aud: url.searchParams.get('service'),
        exp: now + 60,
        nbf: now - 5,
        iat: now,
        jti: randomUUID(),
        access,
      }
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
      const unsigned = `${part({ typ: 'JWT', alg: 'RS256', x5c: [der.toString('base64')] })}.${part(claims)}`
      const signature = createSign('RSA-SHA256').update(unsigned).sign(privateKey).toString('base64url')
      response.end(JSON.stringify({ token: `${unsigned}.${signature}` }))
    })
    tokens.listen(0, '127.0.0.1')
    await once(tokens, 'listening')
    const realm = `http://127.0.0.1:${(tokens.address() as AddressInfo).port}/token`
    registry = await startRegistry({ token: { realm, service: 'the registry', issuer: 'tokens', bundle: join(place, 'token.crt') } })
    // The token server answers in this process, which must not wait for the other one.
    const all = [
      'copy',
      '--insecure-policy',
      '--dest-tls-verify=false',
      '--dest-creds',
      'me:secret',
      `oci-archive:${archive}`,
      `docker://${registry.host}/busybox:1`,
    ]
    const { execFile } = await import('node:child_process')
    const { promisify } = await import('node:util')
    await promisify(execFile)('skopeo', all)
  })
  afterAll(async () => {
    await registry.close()
    tokens.close()
  })

  it('gives what everybody may see to nobody in particular, and all else to whom it knows', async () => {
    const name = `${registry.host}/busybox:1`
    await withHome(await makeHome(), async ({ images }) => {
      asked.length = 0
      await images.pull(name, { tlsVerify: false })
      expect(asked).toEqual([' repository:busybox:pull'])
      await images.pull(name, { tlsVerify: false, credentials: { username: 'me', password: 'secret' } })
      expect(asked.at(-1)).toBe('me:secret repository:busybox:pull')
      const wrong = { username: 'me', password: 'wrong' }
      expect(await failure(images.pull(name, { tlsVerify: false, credentials: wrong }))).toMatchObject({
        code: 'registry',
        details: { status: 401 },
      })
    })
  })
})

describe('short names and mirrors', () => {
  let registry: TestRegistry
  beforeAll(async () => {
    registry = await startRegistry()
    push(archive, `${registry.host}/team/busybox:1`)
  })
  afterAll(() => registry.close())

  it('are as registries.conf says', async () => {
    const conf = `
      unqualified-search-registries = ["${registry.host}"]
      [[registry]]
      location = "${registry.host}"
      insecure = true
      [[registry]]
      prefix = "far.example"
      [[registry.mirror]]
      location = "${registry.host}/team"
      insecure = true
      [[registry]]
      location = "blocked.example"
      blocked = true
      [aliases]
      box = "${registry.host}/team/busybox"
    `
    await withHome(await makeHome({ '.config/containers/registries.conf': conf }), async ({ images }) => {
      const name = `${registry.host}/team/busybox:1`
      expect((await (await images.pull('team/busybox:1')).inspect()).names).toEqual([name])
      expect((await (await images.pull('box:1')).inspect()).names).toEqual([name])
      expect((await (await images.pull('far.example/busybox:1')).inspect()).names).toEqual([name, 'far.example/busybox:1'])
      expect(await failure(images.pull('blocked.example/x'))).toMatchObject({ code: 'permission-denied' })
    })
  })
})
