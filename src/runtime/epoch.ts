import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crypto } from '../base/crypto.ts'
import { isErrno } from '../linux/errno.ts'
import { writeFileAtomic } from '../linux/fs/atomic-write.ts'
import { bootId, namespaceId } from '../linux/proc.ts'

/** The present life of a run root. */
export interface Epoch {
  /** Nothing that ran before runs any more. */
  readonly isNew: boolean
  /** What the last life left is recovered: from now on this one is not new to anybody. */
  begin(): Promise<void>
}

/**
 * Tells the present life of a run root from earlier ones: a random part on tmpfs, the boot, and the mount namespace. Several engines
 * may find it new at once; each recovers then, and an engine that dies before it did leaves it new to the next.
 */
export async function enterEpoch(runRoot: string): Promise<Epoch> {
  const path = join(runRoot, 'epoch')
  const boot = await bootId()
  const before = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  })
  if (before?.includes(boot)) return { isNew: false, async begin() {} }
  const text = `${crypto().randomUUID()} ${boot} ${namespaceId('self', 'mnt') ?? ''}\n`
  return { isNew: true, begin: () => writeFileAtomic(path, text) }
}
