import type { AbortOptions } from '../base/abort.ts'
import { step } from '../base/steps.ts'
import { emitImageEvent } from './events.ts'
import { withNames } from './names.ts'
import { changeImage, refuseMissing } from './record.ts'
import { normalizeName } from './reference.ts'
import type { ImagesServices } from './services.ts'

/** Gives an image one more name, taking it from whichever image has it. */
export async function tagImage(
  services: ImagesServices,
  id: string,
  name: string,
  { signal }: AbortOptions = {},
): Promise<{ changed: boolean }> {
  services.closer.check()
  signal?.throwIfAborted()
  const full = normalizeName(name, 'name')
  const changed = await step(services.probe, 'tag.commit', () =>
    changeImage(services.store, id, (record = refuseMissing(id)) => (record.names.includes(full) ? undefined : withNames(record, [full]))),
  )
  if (changed === undefined) return { changed: false }
  await step(services.probe, 'tag.event', () => emitImageEvent(services, 'tag', changed, full))
  return { changed: true }
}
