import type { ImageEvent } from '../events/event.ts'
import type { ImageRecord } from '../storage/image-store.ts'
import { displayName } from './record.ts'
import type { ImagesServices } from './services.ts'

/** Tells that something happened to an image, under the name that was used or changed. */
export function emitImageEvent(
  services: ImagesServices,
  action: ImageEvent['action'],
  image: Pick<ImageRecord, 'id' | 'names'>,
  name = displayName(image),
): Promise<void> {
  return services.emit({ type: 'image', action, id: image.id, name, attributes: {} })
}
