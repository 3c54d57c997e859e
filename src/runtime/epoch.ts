import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../linux/errno.ts'
import { bootId, namespaceId } from '../linux/proc.ts'

/**
 * Tells the present life of a run root from earlier ones: a random part on tmpfs, the boot, and the mount namespace.
 * `isNew` is true for the first engine of a life: nothing that ran before runs any more.
 */
export async function enterEpoch(runRoot: string): Promise<{ readonly isNew: boolean }> {
  const path = join(runRoot, 'epoch')
  const place = `${await bootId()} ${namespaceId('self', 'mnt') ?? ''}`
  const before = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  })
  const boot = place.split(' ')[0] ?? ''
  if (before?.includes(boot)) return { isNew: false }
  await writeFile(path, `${randomUUID()} ${place}\n`, { mode: 0o600 })
  return { isNew: true }
}
