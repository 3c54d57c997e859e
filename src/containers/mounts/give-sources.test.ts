import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { LibpodError } from '../../base/errors.ts'
import { giveSources } from './give-sources.ts'

// Nothing is given here: who would do it only says so.
const place = realpathSync(mkdtempSync(join(tmpdir(), 'libpod-ts-give-')))
afterAll(() => rmSync(place, { recursive: true }))
for (const name of ['disk/root', 'memory/run', 'mine', 'links']) mkdirSync(join(place, name), { recursive: true })
symlinkSync(join(place, 'disk/root'), join(place, 'links/root'))
symlinkSync(join(place, 'disk'), join(place, 'links/around'))

const bind = (source: string, options = ['U']) => ({ type: 'bind' as const, source, target: '/t', options })
const volume = { type: 'volume' as const, source: 'data', target: '/v', options: ['U'] }

/** What is given to whom when a container starts with these mounts. */
async function given(
  mounts: readonly (ReturnType<typeof bind> | typeof volume)[],
  { refusal, user = '7:8', planned = [] as { target: string }[] }: { refusal?: Error; user?: string; planned?: { target: string }[] } = {},
): Promise<string[]> {
  const told: string[] = []
  const chown = async (path: string, { uid, gid }: { readonly uid: number; readonly gid: number }): Promise<void> => {
    if (refusal !== undefined) throw refusal
    told.push(`${path} ${uid}:${gid}`)
  }
  // The engine may have been opened by way of a link.
  const services = { places: { root: join(place, 'links/root'), runRoot: join(place, 'memory/run') }, volumes: { work: { chown } } }
  const accounts = { passwd: '', group: '' }
  const sources = new Map([['/v', join(place, 'volumes/data')]])
  await giveSources(services, { options: { mounts, user, groups: [] } }, { accounts, sources, planned })
  return told
}

test('sources with U are given to the container’s user, and others are not', async () => {
  const mounts = [bind(join(place, 'mine')), bind('/etc', ['rw']), volume, bind(join(place, 'missing'))]
  expect(await given(mounts)).toEqual([`${place}/mine 7:8`, `${place}/volumes/data 7:8`, `${place}/missing 7:8`])
})

test.each(['disk/root', 'links/root', 'disk', 'links/around', 'memory/run', 'memory', '.', '..'])(
  'the engine’s own places and what is around them are refused: %s',
  async (name) => {
    const source = join(place, name)
    await expect(given([bind('/any', ['rw']), bind(source)])).rejects.toMatchObject({
      code: 'invalid-argument',
      details: { path: 'mounts[1].options', value: source },
      hint: expect.stringMatching(/U/),
    })
  },
)

test('what the helper refuses is told at the option; what else fails there, and a user that is none, as it is', async () => {
  const refusal = new LibpodError('invalid-argument', 'It is /etc.', { path: 'path' })
  await expect(given([bind('/etc')], { refusal })).rejects.toMatchObject({
    code: 'invalid-argument',
    details: { path: 'mounts[0].options', value: '/etc' },
    cause: refusal,
  })
  const full = new LibpodError('permission-denied', 'Read-only.', { what: '/any' })
  await expect(given([bind('/any')], { refusal: full })).rejects.toBe(full)
  await expect(given([bind('/any')], { user: 'nobody-knows' })).rejects.toMatchObject({ details: { path: 'user' } })
})

test('a volume that is a mount of its driver’s is none of the host’s folders', async () => {
  const planned = [{ target: join(place, 'volumes/data') }]
  await expect(given([volume], { planned })).rejects.toMatchObject({
    code: 'invalid-argument',
    details: { path: 'mounts[0].options' },
    hint: expect.stringMatching(/driver/),
  })
})
