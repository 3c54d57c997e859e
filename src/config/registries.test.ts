import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readEnvironment } from './environment.ts'
import { registryRuleFor } from './registries-conf.ts'
import { type RegistryAccess, registryAccess } from './registry-access.ts'

let base = ''
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'libpod-ts-registries-'))
})
afterEach(() => rm(base, { recursive: true }))

async function put(path: string, text: string): Promise<string> {
  const full = join(base, path)
  await mkdir(dirname(full), { recursive: true })
  await writeFile(full, text)
  return full
}

const access = (env: Record<string, string> = {}): RegistryAccess =>
  registryAccess({ base, uid: 0, environment: readEnvironment({ HOME: join(base, 'home'), PATH: join(base, 'bin'), ...env }) })

const auth = (text: string): string => Buffer.from(text).toString('base64')

describe('registries.conf', () => {
  const system = 'etc/containers/registries.conf'

  it('need not be there', async () => {
    expect(await access().rules()).toEqual({ searchRegistries: [], shortNameMode: 'permissive', aliases: {}, registries: [] })
  })

  it('is laid over by what lies in registries.conf.d, registry by registry and alias by alias', async () => {
    await put(
      system,
      `unqualified-search-registries = ["one.io", "two.io"]
      short-name-mode = "enforcing"
      [[registry]]
      location = "one.io/"
      blocked = true
      [[registry]]
      prefix = "two.io/team"
      location = "three.io/elsewhere"
      insecure = true
      mirror-by-digest-only = true
      [[registry.mirror]]
      location = "mirror.io"
      [[registry.mirror]]
      location = "other.io"
      insecure = true
      pull-from-mirror = "tag-only"
      [aliases]
      a = "one.io/a"
      b = "one.io/b"`,
    )
    await put(`${system}.d/1.conf`, `[[registry]]\nlocation = "one.io"\n[aliases]\na = ""\nc = "one.io/c"`)
    await put('home/.config/containers/registries.conf.d/2.conf', 'short-name-mode = "disabled"')
    const conf = await access().rules()
    expect(conf).toEqual({
      searchRegistries: ['one.io', 'two.io'],
      shortNameMode: 'disabled',
      aliases: { b: 'one.io/b', c: 'one.io/c' },
      registries: [
        {
          prefix: 'two.io/team',
          location: 'three.io/elsewhere',
          insecure: true,
          blocked: false,
          mirrors: [
            { location: 'mirror.io', insecure: false, pullFrom: 'digest-only' },
            { location: 'other.io', insecure: true, pullFrom: 'tag-only' },
          ],
        },
        { prefix: 'one.io', location: 'one.io', insecure: false, blocked: false, mirrors: [] },
      ],
    })
  })

  it('of a user takes the place of all of the system, unless a file is named', async () => {
    await put(system, 'unqualified-search-registries = ["one.io"]')
    await put('home/.config/containers/registries.conf', 'unqualified-search-registries = ["two.io"]')
    const named = await put('named.conf', 'unqualified-search-registries = ["three.io"]')
    expect((await access().rules()).searchRegistries).toEqual(['two.io'])
    expect((await access({ CONTAINERS_REGISTRIES_CONF: named }).rules()).searchRegistries).toEqual(['three.io'])
  })

  it.each([
    ['[registries.search]\nregistries = ["a"]', 'unsupported', 'first version'],
    ['[[registry]]\nblocked = true', 'invalid-argument', 'registry[0].location must be given'],
    ['[[registry]]\nlocation = "a"\nblocked = "yes"', 'invalid-argument', 'registry[0].blocked must be true or false'],
    [
      '[[registry]]\nlocation = "a"\n[[registry.mirror]]\ninsecure = true',
      'invalid-argument',
      'registry[0].mirror[0].location must be given',
    ],
    ['registry = 3', 'invalid-argument', 'registry must be a list of tables'],
    ['short-name-mode = "guess"', 'invalid-argument', 'short-name-mode must be "enforcing" or "permissive" or "disabled"'],
    ['unqualified-search-registries = "a"', 'invalid-argument', 'must be a list of texts'],
    ['aliases = 1', 'invalid-argument', 'aliases must be a table'],
    ['[[registry', 'invalid-argument', 'registries.conf:1'],
  ])('%j is refused', async (text, code, message) => {
    await put(system, text)
    await expect(access().rules()).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string })
  })

  it('that is named must be there', async () => {
    await expect(access({ CONTAINERS_REGISTRIES_CONF: join(base, 'none') }).rules()).rejects.toMatchObject({ code: 'invalid-argument' })
  })

  it.each([
    ['a.io/x:2', 'a.io/x'],
    ['a.io/x/y:1', 'a.io/x'],
    ['a.io/xx:1', 'a.io'],
    ['a.io/x:1', 'a.io/x:1'],
    ['a.io:5000/x', undefined],
    ['b.io/x', undefined],
    ['sub.wild.io/x:1', '*.wild.io'],
    ['sub.wild.io:1/x', undefined],
    ['wild.io/x', undefined],
    ['a.b.deep.io/team/x', '*.deep.io/team'],
    ['b.deep.io/x', undefined],
  ])('finds for %s the rule of %s', async (name, prefix) => {
    const prefixes = ['a.io', 'a.io/x', 'a.io/x:1', '*.wild.io', '*.deep.io/team']
    const rule = (place: string) => ({ prefix: place, location: undefined, insecure: false, blocked: false, mirrors: [] })
    const conf = { ...(await access().rules()), registries: prefixes.map(rule) }
    expect(registryRuleFor(conf, name ?? '')?.prefix).toBe(prefix)
  })
})

describe('credentials', () => {
  it('are those of the longest key, and of no other host', async () => {
    const auths = {
      'a.io': { auth: auth('host:1') },
      'a.io/team': { auth: auth('team:2:3') },
      'a.io/team/app': { auth: auth('app:4\0\0') },
      'https://index.docker.io/v1/': { auth: auth('hub:5') },
      'http://old.io/v1/': { auth: auth('old:6') },
      'token.io': { auth: auth('me:'), identitytoken: 'T' },
      localhost: { auth: auth('local:7') },
      'none.io': {},
    }
    await put('run/containers/0/auth.json', JSON.stringify({ auths }))
    const { credentials } = access()
    expect(await credentials('a.io/other')).toEqual({ username: 'host', password: '1' })
    expect(await credentials('a.io/team/other')).toEqual({ username: 'team', password: '2:3' })
    expect(await credentials('a.io/team/app')).toEqual({ username: 'app', password: '4' })
    expect(await credentials('docker.io/library/alpine')).toEqual({ username: 'hub', password: '5' })
    expect(await credentials('old.io/x')).toEqual({ username: 'old', password: '6' })
    expect(await credentials('token.io/x')).toEqual({ username: 'me', identityToken: 'T' })
    for (const other of ['a.io.evil.io/x', 'a.io:5000/x', 'localhost:5000/x', 'none.io/x', 'sub.a.io/x'])
      expect(await credentials(other)).toBeUndefined()
  })

  it('are looked for in one file after the other, each time anew', async () => {
    const { credentials } = access({ XDG_RUNTIME_DIR: join(base, 'runtime') })
    const file = (user: string): string => JSON.stringify({ auths: { 'a.io': { auth: auth(`${user}:x`) } } })
    expect(await credentials('a.io/x')).toBeUndefined()
    await put('home/.docker/config.json', file('docker'))
    expect(await credentials('a.io/x')).toMatchObject({ username: 'docker' })
    await put('home/.config/containers/auth.json', file('config'))
    expect(await credentials('a.io/x')).toMatchObject({ username: 'config' })
    await put('runtime/containers/auth.json', file('runtime'))
    expect(await credentials('a.io/x')).toMatchObject({ username: 'runtime' })
    const named = access({ REGISTRY_AUTH_FILE: await put('named.json', file('named')), DOCKER_CONFIG: join(base, 'docker') })
    expect(await named.credentials('a.io/x')).toMatchObject({ username: 'named' })
  })

  it('come from a program where a file says so', async () => {
    const helper = await put(
      'bin/docker-credential-test',
      `#!/bin/sh
read -r server
case $server in
  a.io) echo '{"Username":"me","Secret":"from helper"}' ;;
  https://index.docker.io/v1/) echo '{"Username":"<token>","Secret":"T"}' ;;
  wrong.io) echo nonsense ;;
  broken.io) echo 'the keyring is locked'; exit 1 ;;
  *) echo 'credentials not found in native keychain'; exit 1 ;;
esac
`,
    )
    await chmod(helper, 0o755)
    await put('home/.docker/config.json', JSON.stringify({ credsStore: 'test', credHelpers: { 'gone.io': 'gone' } }))
    const { credentials } = access()
    expect(await credentials('a.io/x')).toEqual({ username: 'me', password: 'from helper' })
    expect(await credentials('docker.io/library/x')).toEqual({ username: '', identityToken: 'T' })
    expect(await credentials('other.io/x')).toBeUndefined()
    await expect(credentials('wrong.io/x')).rejects.toMatchObject({ code: 'invalid-argument' })
    await expect(credentials('broken.io/x')).rejects.toMatchObject({ code: 'command-failed', details: { stderr: 'the keyring is locked' } })
    await expect(credentials('gone.io/x')).rejects.toMatchObject({ code: 'unavailable', details: { what: 'docker-credential-gone' } })
  })

  it.each([
    ['{"auths":{"a.io":{"auth":"c2VjcmV0"}}}', 'base64'],
    ['{"auths":[]}', 'auths is not an object'],
    ['{"auths":{"a.io":"secret"}}', 'an entry of auths is not an object'],
    ['{"credHelpers":{"a.io":1}}', 'credHelpers'],
    ['["secret"]', 'not an object'],
    ['{"auths": secret', 'not JSON'],
  ])('%j is refused without being repeated', async (text, message) => {
    await put('run/containers/0/auth.json', text)
    const error = await access()
      .credentials('a.io/x')
      .catch((reason: Error) => reason)
    expect(error).toMatchObject({ code: 'invalid-argument', message: expect.stringContaining(message) as string })
    expect(String(error)).not.toContain('secret')
  })
})

describe('certificates', () => {
  it('are read from the first folder of the registry that is there', async () => {
    await put('etc/docker/certs.d/a.io/ca.crt', 'DOCKER')
    expect(await access().certificates('a.io')).toEqual({ authorities: ['DOCKER'] })
    await put('etc/containers/certs.d/a.io/1.crt', 'ONE')
    await put('etc/containers/certs.d/a.io/2.crt', 'TWO')
    await put('etc/containers/certs.d/a.io/client.cert', 'CERT')
    await put('etc/containers/certs.d/a.io/client.key', 'KEY')
    expect(await access().certificates('a.io')).toEqual({ authorities: ['ONE', 'TWO'], client: { cert: 'CERT', key: 'KEY' } })
    expect(await access().certificates('a.io:5000')).toBeUndefined()
    await put('home/.config/containers/certs.d/a.io/client.cert', 'CERT')
    await expect(access().certificates('a.io')).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('client.key') as string,
    })
  })

  it('are refused where no certificate can be read, and not waited for', async () => {
    const path = join(base, 'etc/containers/certs.d/a.io/ca.crt')
    await mkdir(dirname(path), { recursive: true })
    execFileSync('mkfifo', [path])
    await expect(access().certificates('a.io')).rejects.toMatchObject({ code: 'invalid-argument', details: { path } })
    await rm(path)
    await symlink('/dev/zero', path)
    await expect(access().certificates('a.io')).rejects.toMatchObject({ code: 'invalid-argument', details: { path } })
  })

  it('of the system are those of the first bundle that can be read', async () => {
    await mkdir(join(base, 'etc/ssl/certs/ca-certificates.crt'), { recursive: true })
    await put('etc/pki/tls/certs/ca-bundle.crt', 'BUNDLE')
    expect(await access().systemAuthorities()).toBe('BUNDLE')
  })
})
