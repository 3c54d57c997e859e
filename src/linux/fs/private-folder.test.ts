import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { requirePrivateFolder } from './private-folder.ts'

const top = mkdtempSync(join(tmpdir(), 'libpod-ts-private-'))
chmodSync(top, 0o755)
afterAll(() => rmSync(top, { recursive: true, force: true }))

const user = { uid: 47110, gid: 47110 }
const root = { uid: 0, gid: 0 }
let count = 0

/** A folder of the user's in another: mode and owner of both. */
function folderIn(
  parent: { mode: number; uid?: number; gid?: number },
  own: { mode: number; uid: number },
): { above: string; folder: string } {
  const above = join(top, String(count++))
  const folder = join(above, 'libpod-ts')
  for (const [path, { mode, uid = 0, gid = 0 }] of [
    [above, parent],
    [folder, { gid: 0, ...own }],
  ] as const) {
    mkdirSync(path)
    chmodSync(path, mode)
    chownSync(path, uid, gid)
  }
  return { above, folder }
}

describe('a folder that is to be private', () => {
  const own = { mode: 0o700, uid: user.uid }

  it.each([
    ['in one of root', { mode: 0o755 }],
    ['in one of this user', { mode: 0o755, uid: user.uid }],
    ['in a sticky one', { mode: 0o1777 }],
    ['in one of the user’s own group', { mode: 0o775, uid: user.uid, gid: user.gid }],
  ])('may lie %s', async (_name, parent) => {
    await requirePrivateFolder(folderIn(parent, own).folder, user)
  })

  it.each([
    ['of another user', { mode: 0o755, uid: 12345 }],
    ['of another user, though sticky', { mode: 0o1777, uid: 12345 }],
    ['that all may write to', { mode: 0o777 }],
    ['that a group may write to', { mode: 0o775, gid: 50 }],
  ])('may not lie in one %s', async (_name, parent) => {
    const { above, folder } = folderIn(parent, own)
    const error = requirePrivateFolder(folder, user)
    await expect(error).rejects.toMatchObject({ code: 'permission-denied', details: { what: above }, hint: expect.stringMatching(/chmod/) })
  })

  it.each([
    ['be another user’s', { mode: 0o700, uid: 12345 }],
    ['be root’s', { mode: 0o700, uid: 0 }],
    ['be written to by a group', { mode: 0o770, uid: user.uid }],
    ['be written to by all', { mode: 0o1777, uid: user.uid }],
  ])('may not %s', async (_name, of) => {
    const { folder } = folderIn({ mode: 0o755 }, of)
    await expect(requirePrivateFolder(folder, user)).rejects.toMatchObject({ code: 'permission-denied', details: { what: folder } })
  })

  it('is looked at by itself where it is root’s', async () => {
    await requirePrivateFolder(folderIn({ mode: 0o777, uid: 12345 }, { mode: 0o755, uid: 0 }).folder, root)
    const { folder } = folderIn({ mode: 0o755 }, { mode: 0o700, uid: 12345 })
    await expect(requirePrivateFolder(folder, root)).rejects.toMatchObject({ details: { what: folder } })
  })
})
