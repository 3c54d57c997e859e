import { statfs } from 'node:fs/promises'

/** The file system of namespaces. */
export const NSFS_MAGIC = 0x6e736673

/**
 * Whether a path stands for a namespace, which is not opened for it: opening a fifo would wait. `undefined` for what this process cannot look
 * at, as without root the namespaces of somebody else's processes.
 */
export async function isNamespaceFile(path: string): Promise<boolean | undefined> {
  return statfs(path).then(
    ({ type }) => type === NSFS_MAGIC,
    () => undefined,
  )
}
