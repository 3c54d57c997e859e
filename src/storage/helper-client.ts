import type { AbortOptions } from '../base/abort.ts'
import type { Helper } from '../linux/helper/helper.ts'
import type { CopyUpOutcome, CopyUpRequest } from './copy-up.ts'
import type { DiffProgress, LayerToWrite, WrittenLayer } from './layers/diff-operation.ts'
import type { ExtractedLayer, LayerToExtract } from './layers/extraction.ts'
import type { ReadMergedFileOptions } from './snapshots/merged-view.ts'
import type { TreeWork } from './snapshots/tree-work.ts'

/** The names and parameters of what the helper does for storage. */
export interface StorageCalls {
  readonly 'storage.extract': Omit<LayerToExtract, 'growing'> & { readonly growing: boolean }
  readonly 'storage.diff': LayerToWrite
  readonly 'storage.remove': { readonly path: string }
  readonly 'storage.usage': { readonly path: string }
  readonly 'storage.copy': { readonly from: string; readonly to: string }
  readonly 'storage.copyUp': CopyUpRequest
  readonly 'storage.chown': { readonly path: string; readonly uid: number; readonly gid: number }
  readonly 'storage.sync': { readonly path: string }
  readonly 'storage.readMerged': { readonly layers: readonly string[]; readonly path: string; readonly options: ReadMergedFileOptions }
  readonly 'storage.probeOverlay': { readonly directory: string }
}

/** What storage has done in the helper process, where a hostile tree can hang or kill only that. */
export interface StorageWork {
  readonly work: TreeWork
  readonly volumes: VolumeWork
  /** What {@link readMergedFile} gives, in base64: for files that only the users of containers may read. */
  readMerged(layers: readonly string[], path: string, options: ReadMergedFileOptions): Promise<string | undefined>
  /** Extracts one layer. Rejects with `corrupt` for one that is damaged or hostile, and with `no-space`. */
  extractLayer(layer: LayerToExtract, options?: AbortOptions): Promise<ExtractedLayer>
  /** Writes the changes of a snapshot as a layer. Rejects with `unsupported` for an upper directory that depends on those below, and with `no-space`. */
  diffLayer(layer: LayerToWrite, options?: DiffLayerOptions): Promise<WrittenLayer>
}

/** What storage has done for volumes. */
export interface VolumeWork {
  /** Fills an empty volume with what a root file system has in a folder. */
  copyUp(request: CopyUpRequest, options?: AbortOptions): Promise<CopyUpOutcome>
  /** Writes to the disk what its file system still has in memory. */
  sync(path: string): Promise<void>
  /** Gives a tree to somebody. */
  chown(path: string, owner: { readonly uid: number; readonly gid: number }, options?: AbortOptions): Promise<void>
}

/** Options of {@link StorageWork.diffLayer}. */
export interface DiffLayerOptions extends AbortOptions {
  /** Called now and then with the number of uncompressed bytes so far. */
  readonly onProgress?: (bytes: number) => void
}

/** The caller's side of `storageOperations`. */
export function storageWork(helper: Helper): StorageWork {
  const call = <Name extends keyof StorageCalls, Result>(name: Name, params: StorageCalls[Name], options?: AbortOptions): Promise<Result> =>
    helper.call<Result>(name, params, options)
  return {
    work: {
      remove: (path) => call('storage.remove', { path }),
      usage: (path, options) => call('storage.usage', { path }, options),
      copy: (from, to, options) => call('storage.copy', { from, to }, options),
      sync: (path) => call('storage.sync', { path }),
      probeOverlay: (directory) => call('storage.probeOverlay', { directory }),
    },
    volumes: {
      copyUp: (request, options) => call('storage.copyUp', request, options),
      sync: (path) => call('storage.sync', { path }),
      chown: (path, { uid, gid }, options) => call('storage.chown', { path, uid, gid }, options),
    },
    readMerged: (layers, path, options) => call('storage.readMerged', { layers, path, options }),
    extractLayer({ growing, ...layer }, options) {
      const params: StorageCalls['storage.extract'] = { ...layer, growing: growing !== undefined }
      return helper.call('storage.extract', params, { ...options, ...(growing === undefined ? {} : { messages: growing }) })
    },
    diffLayer: (layer, { signal, onProgress } = {}) =>
      helper.call('storage.diff', layer, { signal, onMessage: (message) => onProgress?.((message as DiffProgress).bytes) }),
  }
}
