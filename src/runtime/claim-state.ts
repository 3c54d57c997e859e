import { closeSync, constants, openSync } from 'node:fs'
import { link, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crypto } from '../base/crypto.ts'
import { LibpodError } from '../base/errors.ts'
import { isErrno } from '../linux/errno.ts'
import { tryFlock } from '../linux/flock.ts'
import { mapFsError } from '../linux/fs/disk.ts'

/**
 * Pins the kind of state store of a root. It cannot be pinned in the store itself: an engine with another one would find
 * that empty, and take all layers of the root for garbage. Rejects with `conflict` if the root has another kind.
 */
export async function claimState(root: string, name: string): Promise<void> {
  const path = join(root, 'state-store')
  try {
    const pinned = (await readIfThere(path)) ?? (await pin(path, name))
    if (pinned !== name) throw otherState(root, pinned, name)
  } catch (error) {
    throw mapFsError(error, path)
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  })
}

/** The file appears with its content, and the first of several engines wins. */
async function pin(path: string, name: string): Promise<string> {
  const own = `${path}.${crypto().randomUUID()}`
  await writeFile(own, name, { mode: 0o600 })
  try {
    await link(own, path)
    return name
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
    return await readFile(path, 'utf8')
  } finally {
    await unlink(own)
  }
}

/** Keeps other engines from a root whose state only this one can see. Rejects with `conflict` if one is there. Call the result at the end. */
export function claimAlone(root: string): () => void {
  const fd = openSync(join(root, 'unshared.lock'), constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  if (tryFlock(fd, 'exclusive')) return () => closeSync(fd)
  closeSync(fd)
  throw new LibpodError(
    'conflict',
    `Another engine has ${root} open, with a state store that only it can see.`,
    { what: root },
    { hint: 'Give each engine a root of its own, or open both with state lmdb.' },
  )
}

function otherState(root: string, pinned: string, name: string): LibpodError<'conflict'> {
  return new LibpodError(
    'conflict',
    `${root} was made with state ${JSON.stringify(pinned)}, and cannot be opened with ${JSON.stringify(name)}.`,
    { what: 'state' },
    { hint: `Open it with state ${JSON.stringify(pinned)}, or choose another root.` },
  )
}
