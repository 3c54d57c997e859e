import { link, readFile, unlink, writeFile } from 'node:fs/promises'
import { crypto } from '../../base/crypto.ts'
import { isErrno } from '../errno.ts'

/**
 * Gives what a file says. Where there is none it appears with this text, whole from the first moment; of several who come at the same
 * time the first wins.
 */
export async function pinFile(path: string, text: string): Promise<string> {
  const there = await readIfThere(path)
  if (there !== undefined) return there
  const own = `${path}.${crypto().randomUUID()}`
  await writeFile(own, text, { mode: 0o600 })
  try {
    await link(own, path)
    return text
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
    return await readFile(path, 'utf8')
  } finally {
    await unlink(own)
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  })
}
