import { isLibpodError, type RunOptions } from 'libpod-ts'
import { beforeAll, describe, expect, it } from 'vitest'
import { busyboxRootfs } from '../../examples/busybox.ts'
import { created, sh } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()
const configured = 'localhost/configured'

beforeAll(async () => {
  await engine.runtime.images.import(busyboxRootfs(), {
    tag: configured,
    changes: [
      'ENTRYPOINT ["echo", "entry"]',
      'CMD ["command"]',
      'ENV FROM=image',
      'ENV ALSO=image',
      'USER guest',
      'WORKDIR /made/by/image',
      'LABEL from=image',
    ],
  })
})

const run = async (options: Partial<Omit<RunOptions, 'encoding'>>): Promise<string> => {
  const { stdout, stderr, exitCode } = await engine.runtime.containers.run({ image, network: 'none', ...options })
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  return stdout
}

describe('what runs', () => {
  it.each<[string, Partial<RunOptions>, string]>([
    ['the image’s', {}, 'entry command\n'],
    ['another command', { command: ['mine'] }, 'entry mine\n'],
    ['another entrypoint, without the image’s command', { entrypoint: ['echo', 'other'] }, 'other\n'],
    ['both', { entrypoint: ['echo', 'other'], command: ['mine'] }, 'other mine\n'],
    ['no entrypoint', { entrypoint: [''], command: ['echo', 'bare'] }, 'bare\n'],
  ])('%s', async (_name, options, stdout) => {
    expect(await run({ image: configured, ...options })).toBe(stdout)
  })

  it('arguments come through unchanged', async () => {
    const args = ['', ' ', 'a b', '$HOME', "'", '"', '\\', '\n', '日本', '-x', '*']
    expect(await run({ command: ['sh', '-c', 'for a in "$@"; do printf "<%s>" "$a"; done', 'sh', ...args] })).toBe(
      args.map((arg) => `<${arg}>`).join(''),
    )
  })
})

describe('environment', () => {
  it('the image’s, over it the options’, and what every container has', async () => {
    const lines = (await run({ image: configured, entrypoint: ['env'], env: { FROM: 'options', EMPTY: '', 'WITH SPACE': 'x=y' } }))
      .trim()
      .split('\n')
    const env = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
    expect(env).toMatchObject({
      FROM: 'options',
      ALSO: 'image',
      EMPTY: '',
      'WITH SPACE': 'x=y',
      HOME: '/home',
      container: 'podman',
      PATH: expect.stringContaining('/bin'),
    })
    expect(env['HOSTNAME']).toMatch(/^[0-9a-f]{12}$/)
    expect(Object.keys(env)).not.toContain('NODE_PATH')
    expect(await run({ command: sh('echo $PATH $HOME'), env: { PATH: '/bin', HOME: '/elsewhere' } })).toBe('/bin /elsewhere\n')
  })
})

describe('user', () => {
  it.each<[string, Partial<RunOptions>, string]>([
    ['root if nobody says otherwise', {}, '0 0 0 /root'],
    ['the image’s', { image: configured }, '1000 1000 1000 10 /home'],
    ['by name', { user: 'daemon' }, '1 1 1 /usr/sbin'],
    ['by name and group', { user: 'guest:daemon' }, '1000 1 1 /home'],
    ['by number', { user: '1000' }, '1000 1000 1000 10 /home'],
    ['by a number nobody has', { user: '4711:4712' }, '4711 4712 4712 /'],
    ['with further groups', { user: 'daemon', groups: ['wheel', '77'] }, '1 1 1 10 77 /usr/sbin'],
  ])('%s', async (_name, options, expected) => {
    expect(await run({ entrypoint: ['sh', '-c', 'echo $(id -u) $(id -g) $(id -G) $HOME'], ...options })).toBe(`${expected}\n`)
  })

  it.each(['nobody-knows', 'guest:nobody-knows'])('%j is refused when it starts', async (user) => {
    const container = await created(engine, ['true'], { user })
    const error = await failure(container.start())
    expect(error).toMatchObject({ code: 'invalid-argument', details: { path: 'user' } })
    expect(error.hint).toMatch(/number/)
    expect((await container.inspect()).status).toBe('created')
    await container.remove()
  })
})

describe('working directory', () => {
  it('the image’s or the options’; made if it is not there, and then the user’s', async () => {
    expect(await run({ command: ['pwd'] })).toBe('/\n')
    expect(await run({ image: configured, entrypoint: ['pwd'] })).toBe('/made/by/image\n')
    expect(await run({ command: sh('pwd; stat -c %u .'), workdir: '/not/there/yet' })).toBe('/not/there/yet\n0\n')
    expect(await run({ command: ['pwd'], workdir: '/tmp' })).toBe('/tmp\n')
  })

  it('a file in its place is refused', async () => {
    await expect(run({ command: ['pwd'], workdir: '/etc/passwd' })).rejects.toSatisfy((error) => isLibpodError(error))
  })
})

describe('a program that cannot be run', () => {
  it.each<[string, readonly string[], number]>([
    ['does not exist', ['/no/such/program'], 127],
    ['is not in PATH', ['no-such-program'], 127],
    ['cannot be executed', ['/etc/passwd'], 126],
    ['is a folder', ['/etc'], 126],
  ])('%s', async (_name, command, exitCode) => {
    const container = await created(engine, command)
    const error = await failure(container.start())
    expect(error).toMatchObject({ code: 'command-failed', details: { exitCode } })
    expect(error.hint).toMatch(/^Check that the program/)
    expect((await container.inspect()).status).toBe('created')
    expect(await container.remove()).toEqual({ changed: true })
    expect(await failure(engine.runtime.containers.run({ image, command, network: 'none' }))).toMatchObject({
      code: 'command-failed',
      details: { exitCode },
    })
    expect(await failure(engine.runtime.containers.ephemeral({ image, command, network: 'none' }))).toMatchObject({ details: { exitCode } })
    expect(await engine.runtime.containers.list()).toEqual([])
  })
})
