import type { ContainerEvent } from '../events/event.ts'
import type { ContainerRecord } from './record.ts'

/** The part of an event that says which container it is about. */
export function subjectOf({
  id,
  name,
  image,
  options,
}: ContainerRecord): Pick<ContainerEvent, 'type' | 'id' | 'name' | 'image' | 'attributes'> {
  return { type: 'container', id, name, image: image?.name ?? '', attributes: options.labels }
}
