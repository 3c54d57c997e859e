import type { AbortOptions } from '../base/abort.ts'
import { LibpodError } from '../base/errors.ts'
import { step } from '../base/steps.ts'
import type { ImageRecord } from '../storage/image-store.ts'
import { emitImageEvent } from './events.ts'
import { withoutNames } from './names.ts'
import { changeImage, displayName, refuseMissing } from './record.ts'
import { formatReference, lookupCandidates, parseReference } from './reference.ts'
import type { ImagesServices } from './services.ts'

/** Takes one name from an image, or all. */
export async function untagImage(
  services: ImagesServices,
  id: string,
  name?: string,
  { signal }: AbortOptions = {},
): Promise<{ changed: boolean }> {
  services.closer.check()
  signal?.throwIfAborted()
  let taken: readonly string[] = []
  const changed = await step(services.probe, 'untag.commit', () =>
    changeImage(services.store, id, (record = refuseMissing(id)) => {
      taken = name === undefined ? record.names : [nameOf(record, name)]
      return taken.length === 0 ? undefined : withoutNames(record, taken)
    }),
  )
  if (changed === undefined) return { changed: false }
  for (const full of taken) await step(services.probe, 'untag.event', () => emitImageEvent(services, 'untag', changed, full))
  return { changed: true }
}

/** The name of this image that a short or full one means. */
function nameOf(record: ImageRecord, name: string): string {
  const reference = parseReference(name, 'name')
  const found = lookupCandidates(reference)
    .map(formatReference)
    .find((candidate) => record.names.includes(candidate))
  if (found !== undefined && reference.digest === undefined) return found
  throw new LibpodError(
    'not-found',
    `Image ${displayName(record)} does not have the name ${JSON.stringify(name)}.`,
    { kind: 'image name', ref: name },
    { hint: record.names.length === 0 ? 'It has no name.' : `Its names are ${record.names.join(', ')}.` },
  )
}
