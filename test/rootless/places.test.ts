import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Runtime } from 'libpod-ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { failure } from '../support/results.ts'

let place = ''
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'libpod-ts-places-'))
})
afterAll(() => rm(place, { recursive: true }))

it('a folder below one that others may write to is no place for a runtime, unless that is sticky', async () => {
  const above = join(place, 'above')
  await mkdir(above)
  await chmod(above, 0o777)
  const options = { root: join(place, 'root'), runRoot: join(above, 'run') }
  expect(await failure(Runtime.open(options))).toMatchObject({ code: 'permission-denied', details: { what: above } })
  await chmod(above, 0o1777)
  await (await Runtime.open(options)).close()
})
