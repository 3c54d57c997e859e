import { closeSync, constants, openSync } from 'node:fs'
import { join } from 'node:path'
import { LibpodError } from '../base/errors.ts'
import { tryFlock } from '../linux/flock.ts'
import { mapFsError } from '../linux/fs/disk.ts'
import { pinFile } from '../linux/fs/pin-file.ts'

/** The file that names it: every root of ours has one. */
export const stateFile = 'state-store'

/**
 * Pins the kind of state store of a root. It cannot be pinned in the store itself: an engine with another one would find
 * that empty, and take all layers of the root for garbage. Rejects with `conflict` if the root has another kind.
 */
export async function claimState(root: string, name: string): Promise<void> {
  const path = join(root, stateFile)
  try {
    const pinned = await pinFile(path, name)
    if (pinned !== name) throw otherState(root, pinned, name)
  } catch (error) {
    throw mapFsError(error, path)
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
