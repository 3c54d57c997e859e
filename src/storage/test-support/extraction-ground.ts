import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AbortOptions } from '../../base/abort.ts'
import { removeTree } from '../../linux/fs/remove-tree.ts'
import type { LazyHelper } from '../../linux/helper/lazy-helper.ts'
import { storageWork } from '../helper-client.ts'
import type { ExtractedLayer, LayerToExtract } from '../layers/extraction.ts'
import { realHelper } from './real-helper.ts'

/** Where tests extract layers, and a real helper that does it. */
export class ExtractionGround {
  readonly directory = mkdtempSync(join(tmpdir(), 'libpod-ts-extract-'))
  readonly helper: LazyHelper
  #count = 0

  /** `prefix` is a program that runs the helper. */
  constructor(prefix?: readonly [string, ...string[]]) {
    this.helper = realHelper(prefix)
  }

  /** A new empty directory. */
  fresh(): string {
    const path = join(this.directory, `target-${this.#count++}`)
    mkdirSync(path)
    return path
  }

  /** A new file. */
  blob(data: Buffer): string {
    const path = join(this.directory, `blob-${this.#count++}`)
    writeFileSync(path, data)
    return path
  }

  /** Extracts an archive to `path`, in the form of overlay if nothing else is said. */
  extract(archive: Buffer, path: string, layer: Partial<LayerToExtract> = {}, options?: AbortOptions): Promise<ExtractedLayer> {
    const whole = {
      path: this.blob(archive),
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
      target: { path, whiteouts: 'overlay' as const },
    }
    return storageWork(this.helper).extractLayer({ ...whole, ...layer }, options)
  }

  /** The same, to a tree that holds the layers below. */
  apply(archive: Buffer, path: string): Promise<ExtractedLayer> {
    return this.extract(archive, path, { target: { path, whiteouts: 'apply' } })
  }

  async close(): Promise<void> {
    await this.helper.close()
    removeTree(this.directory)
  }
}
