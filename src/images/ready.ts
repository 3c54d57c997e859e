import type { ImageRecord } from '../storage/image-store.ts'
import { getImage } from './lookup.ts'
import type { ImagesServices } from './services.ts'
import { type UnpackImageOptions, unpackImage } from './unpack.ts'

/** The image that a name or an id means, with its layers extracted: ready for a container to start on. */
export async function readyImage(services: ImagesServices, nameOrId: string, options: UnpackImageOptions = {}): Promise<ImageRecord> {
  const record = await getImage(services, nameOrId, options)
  await unpackImage(services, record, options)
  return record
}
