import { unlink } from 'node:fs/promises'
import { isErrno } from '../errno.ts'

/** Removes a file that may be gone already. One call, where `rm` with `force` takes several, one after the other. */
export async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
}
