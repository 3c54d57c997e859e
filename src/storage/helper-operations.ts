import { closeSync, constants, openSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { chownTree } from '../linux/fs/chown-tree.ts'
import { copyTree } from '../linux/fs/copy-tree.ts'
import { directorySize } from '../linux/fs/directory-size.ts'
import { mapFsError } from '../linux/fs/disk.ts'
import { removeTree } from '../linux/fs/remove-tree.ts'
import type { HelperContext, HelperOperation } from '../linux/helper/helper.ts'
import { libc } from '../linux/native/libc.ts'
import { copyUp } from './copy-up.ts'
import type { StorageCalls } from './helper-client.ts'
import { diffLayer } from './layers/diff-operation.ts'
import { extractLayer } from './layers/extract.ts'
import { readMergedFile } from './snapshots/merged-view.ts'
import { probeOverlay } from './snapshots/overlay/probe.ts'

/** So long the helper may work before it looks whether its host has something to say. */
const sliceMs = 20

/**
 * What the helper process does for storage; `storageWork` asks for it. While a layer is extracted, this process is now and then confined
 * to a stranger's tree, so nothing here, or in what it calls, may use a path asynchronously or load something late.
 */
export const storageOperations: Readonly<Record<string, HelperOperation>> = {
  'storage.extract': operation<'storage.extract'>(({ growing, ...layer }, { messages, signal }) =>
    extractLayer({ ...layer, ...(growing ? { growing: messages as AsyncIterable<number> } : {}) }, { signal }),
  ),
  'storage.diff': diffLayer,
  'storage.remove': operation<'storage.remove'>(({ path }) => removeTree(path)),
  'storage.usage': operation<'storage.usage'>(({ path }) => {
    const { bytes, inodes } = directorySize(path)
    return { sizeBytes: bytes, inodes }
  }),
  'storage.copy': operation<'storage.copy'>(({ from, to }, { signal }) => inSlices(copyTree(from, to), signal)),
  'storage.copyUp': operation<'storage.copyUp'>((request, { signal }) => inSlices(copyUp(request), signal)),
  'storage.chown': operation<'storage.chown'>(({ path, ...owner }) => chownTree(path, owner)),
  'storage.sync': operation<'storage.sync'>(({ path }) => syncFileSystem(path)),
  'storage.readMerged': operation<'storage.readMerged'>(async ({ layers, path, options }) =>
    (await readMergedFile(layers, path, options))?.toString('base64'),
  ),
  'storage.probeOverlay': operation<'storage.probeOverlay'>(({ directory }) => probeOverlay(directory)),
}

/** The parameters come from `storageWork`, of the same version. */
function operation<Name extends keyof StorageCalls>(run: (params: StorageCalls[Name], context: HelperContext) => unknown): HelperOperation {
  return (params, context) => run(params as StorageCalls[Name], context)
}

/** Runs synchronous work that comes back now and then, so that an abort is heard. */
async function inSlices<Result>(work: Generator<void, Result>, signal: AbortSignal): Promise<Result> {
  let until = Date.now() + sliceMs
  try {
    for (;;) {
      const step = work.next()
      if (step.done) return step.value
      if (Date.now() < until) continue
      await setImmediate()
      signal.throwIfAborted()
      until = Date.now() + sliceMs
    }
  } finally {
    work.return(undefined as Result)
  }
}

/** Waits for the disk, on another thread: the next layer need not wait as well. */
async function syncFileSystem(path: string): Promise<void> {
  let fd: number | undefined
  try {
    fd = openSync(path, constants.O_RDONLY)
    await libc().syncfsInPool(fd)
  } catch (error) {
    throw mapFsError(error, path)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
