import type { AbortOptions } from '../base/abort.ts'
import { isLibpodError, LibpodError } from '../base/errors.ts'
import type { ImageRecord } from '../storage/image-store.ts'
import { findImage, getImage } from './lookup.ts'
import type { PullImageOptions, PullPolicy } from './pull/pull-options.ts'
import type { ImagesServices } from './services.ts'
import { unpackImage } from './unpack.ts'

/** How {@link readyImage} comes by an image. */
export interface ReadyImageOptions extends AbortOptions {
  /** `missing` if not given: an image that is not there is fetched. */
  readonly pull?: PullPolicy | Omit<PullImageOptions, 'signal'> | undefined
}

/** The image that a name or an id means, with its layers extracted: ready for a container to start on. */
export async function readyImage(services: ImagesServices, nameOrId: string, options: ReadyImageOptions = {}): Promise<ImageRecord> {
  const { signal } = options
  const record = await localOrPulled(services, nameOrId, options)
  await unpackImage(services, record, { signal })
  return record
}

async function localOrPulled(
  services: ImagesServices,
  nameOrId: string,
  { pull = 'missing', signal }: ReadyImageOptions,
): Promise<ImageRecord> {
  const options: PullImageOptions = typeof pull === 'string' ? { policy: pull } : pull
  const { policy = 'missing', platform } = options
  if (policy === 'never') return getImage(services, nameOrId, { signal })
  if (policy === 'missing') {
    const there = await findImage(services, nameOrId, { signal })
    if (there && platform === undefined) return there
    // Nobody's registry has what was made here.
    if (there === undefined && isLocalOnly(nameOrId)) return getImage(services, nameOrId, { signal })
  }
  const { pullImage } = await import('./pull.ts')
  try {
    return await pullImage(services, nameOrId, { ...options, policy, signal })
  } catch (error) {
    if (policy === 'missing' && isLibpodError(error, 'invalid-argument') && error.details.path === 'reference')
      throw nowhere(nameOrId, error)
    throw error
  }
}

function isLocalOnly(nameOrId: string): boolean {
  return nameOrId.startsWith('localhost/') || /^(sha256:)?[0-9a-f]{64}$/.test(nameOrId)
}

/** Neither here, nor said where else. */
function nowhere(nameOrId: string, cause: unknown): LibpodError<'not-found'> {
  return new LibpodError(
    'not-found',
    `There is no image ${JSON.stringify(nameOrId)} in the local store, and its name says no registry to pull it from.`,
    { kind: 'image', ref: nameOrId },
    { cause, hint: `Write it in full, as docker.io/library/${nameOrId}, or import or load it first.` },
  )
}
