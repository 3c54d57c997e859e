import { lstatSync, unlinkSync } from 'node:fs'
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

/** The same at once, for files on tmpfs: that takes microseconds, and handing it to a thread many times that. */
export function unlinkIfThereSync(path: string): void {
  // Looking first is cheaper than an error that nobody wants.
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return
  try {
    unlinkSync(path)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
}
