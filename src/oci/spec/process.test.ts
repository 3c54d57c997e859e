import { expect, test } from 'vitest'
import { generated, normalized, refusal, someHost } from './spec.fixture.ts'

const image = {
  entrypoint: ['/entry', '-x'],
  command: ['serve'],
  env: ['PATH=/image', 'EMPTY=', 'NOVALUE', '=odd', 'A=1=2'],
  workdir: '/srv',
}

test.each([
  ['image alone', {}, ['/entry', '-x', 'serve']],
  ['command replaces the image’s command', { command: ['ls', '-l'] }, ['/entry', '-x', 'ls', '-l']],
  ['entrypoint takes the image’s command away', { entrypoint: ['/bin/sh'], command: [] }, ['/bin/sh']],
  ['both', { entrypoint: ['/bin/sh', '-c'], command: ['id'] }, ['/bin/sh', '-c', 'id']],
  ['[] resets the entrypoint only', { entrypoint: [], command: [] }, ['serve']],
  ["[''] resets the entrypoint and the command", { entrypoint: [''], command: ['id'] }, ['id']],
])('composes the program: %s', async (_, options, args) => {
  expect((await normalized({ command: [], ...options }, someHost(), image)).args).toEqual(args)
})

test('refuses a container with nothing to run', async () => {
  expect(await refusal(normalized({ command: [] }))).toMatchObject({ code: 'invalid-argument', path: 'command' })
  expect(await refusal(normalized({ entrypoint: [''], command: [] }, someHost(), image))).toMatchObject({ path: 'command' })
})

test('lays the caller’s environment over the image’s, and leaves out what has no value', async () => {
  const { env } = await normalized({ env: { A: '3', B: 'x=y' } }, someHost(), image)
  expect(env).toEqual({ PATH: '/image', EMPTY: '', A: '3', B: 'x=y' })
})

test('gives every container the usual variables, which everyone else may change', async () => {
  const { config } = await generated({ env: { TERM: 'dumb', HOME: '/there' } })
  expect(config.process?.env).toEqual([
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'TERM=dumb',
    'container=podman',
    'HOME=/there',
    'HOSTNAME=f00dfeedf00d',
  ])
})

test('passes proxy variables on unless told not to', async () => {
  const host = someHost({ proxies: { http_proxy: 'http://proxy:1' } })
  expect((await generated({}, host)).config.process?.env).toContain('http_proxy=http://proxy:1')
  expect((await generated({ env: { http_proxy: 'mine' } }, host)).config.process?.env).toContain('http_proxy=mine')
  const without = (await generated({ httpProxy: false }, host)).config.process?.env ?? []
  expect(without.filter((entry) => entry.startsWith('http_proxy'))).toEqual([])
})

test('takes the working directory from the options, the image, or /', async () => {
  expect((await normalized({ workdir: '/a' }, someHost(), image)).workdir).toBe('/a')
  expect((await normalized({}, someHost(), image)).workdir).toBe('/srv')
  expect((await normalized({}, someHost(), { workdir: 'relative' })).workdir).toBe('/relative')
  expect((await normalized({})).workdir).toBe('/')
})

test('a terminal is asked for by tty', async () => {
  expect((await generated({ tty: true })).config.process?.terminal).toBe(true)
  expect((await generated({})).config.process).not.toHaveProperty('terminal')
})

test.each([
  ['command[1]', { command: ['a', 'b\0c'] }],
  ['entrypoint', { entrypoint: '/bin/sh' }],
  ['env.A=B', { env: { 'A=B': 'x' } }],
  ['env.A', { env: { A: 'x\0' } }],
  ['env.N', { env: { N: 1 } }],
  ['workdir', { workdir: 'relative' }],
  ['tty', { tty: 'yes' }],
  ['comand', { comand: [] }],
])('refuses a bad value at %s', async (path, options) => {
  expect(await refusal(normalized(options as never))).toMatchObject({ code: 'invalid-argument', path })
})
