import { imageConfigSchema, manifestSchema, type OCIImageConfig, type OCIManifest } from '../specs/image-spec.ts'
import type { ImageRecord } from '../storage/image-store.ts'
import { parseDocument, readDocument } from './blobs.ts'
import { displayName } from './record.ts'
import type { ImagesServices } from './services.ts'

/** The stored manifest of an image. */
export async function readManifest({ store }: ImagesServices, record: ImageRecord): Promise<OCIManifest> {
  const what = `The manifest of image ${displayName(record)}`
  const data = await readDocument(store.content, { digest: record.manifest.digest, size: record.manifest.sizeBytes }, what)
  return parseDocument(data, manifestSchema, what)
}

/** The stored configuration of an image. */
export async function readConfig({ store }: ImagesServices, record: ImageRecord): Promise<OCIImageConfig> {
  const what = `The configuration of image ${displayName(record)}`
  const data = await readDocument(store.content, { digest: record.config.digest, size: record.config.sizeBytes }, what)
  return parseDocument(data, imageConfigSchema, what)
}
