import type { AbortOptions } from '../base/abort.ts'
import { isLibpodError, LibpodError } from '../base/errors.ts'
import { isIdPrefix } from '../base/ids.ts'
import type { ImageRecord, ImageStore } from '../storage/image-store.ts'
import { formatReference, type ImageReference, lookupCandidates, parseReference } from './reference.ts'
import type { ImagesServices } from './services.ts'

const fullId = /^[0-9a-f]{64}$/
const page = 500

/** The record that a text means; see {@link Images}. Rejects with `not-found` or `ambiguous`. */
export async function getImage(services: ImagesServices, nameOrId: string, options: AbortOptions = {}): Promise<ImageRecord> {
  const record = await findImage(services, nameOrId, options)
  if (record) return record
  throw new LibpodError(
    'not-found',
    `There is no image ${JSON.stringify(nameOrId)} in the local store.`,
    { kind: 'image', ref: nameOrId },
    { hint: 'Pull, import or load it first; images.list() tells what is there.' },
  )
}

/** As {@link getImage}, but `undefined` if there is none. */
export async function findImage(
  { store, closer }: ImagesServices,
  nameOrId: string,
  { signal }: AbortOptions = {},
): Promise<ImageRecord | undefined> {
  closer.check()
  signal?.throwIfAborted()
  if (typeof nameOrId !== 'string' || nameOrId === '') parseReference(nameOrId, 'image')
  const text = nameOrId.replace(/^(docker:\/\/|containers-storage:)/, '')
  const id = text.startsWith('sha256:') ? text.slice('sha256:'.length) : text
  if (fullId.test(id)) return store.get({ id })
  return (await byReference(store, text, signal)) ?? byIdPrefix(store, id, signal)
}

async function byReference(store: ImageStore, text: string, signal: AbortSignal | undefined): Promise<ImageRecord | undefined> {
  const reference = parseIfPossible(text)
  if (reference === undefined) return undefined
  for (const candidate of lookupCandidates(reference)) {
    const record =
      candidate.digest === undefined
        ? await store.get({ name: formatReference(candidate) })
        : await byRepoDigest(store, formatReference(candidate), signal)
    if (record) return record
  }
  return undefined
}

/** What is no reference can still be the beginning of an id, after `sha256:`; anything else names nothing. */
function parseIfPossible(text: string): ImageReference | undefined {
  try {
    return parseReference(text, 'image')
  } catch (error) {
    if (isLibpodError(error, 'invalid-argument') && text.startsWith('sha256:')) return undefined
    throw error
  }
}

async function byRepoDigest(store: ImageStore, repoDigest: string, signal: AbortSignal | undefined): Promise<ImageRecord | undefined> {
  for await (const record of eachImage(store, signal)) if (record.repoDigests.includes(repoDigest)) return record
  return undefined
}

/** Tried last, so that a tag that looks like an id wins. */
async function byIdPrefix(store: ImageStore, prefix: string, signal: AbortSignal | undefined): Promise<ImageRecord | undefined> {
  if (!isIdPrefix(prefix)) return undefined
  // Ids are listed in their order, and a prefix sorts right before what begins with it.
  const following = await store.list({ after: prefix, limit: 5 })
  signal?.throwIfAborted()
  const found = following.filter(({ id }) => id.startsWith(prefix))
  if (found.length < 2) return found[0]
  throw new LibpodError(
    'ambiguous',
    `${JSON.stringify(prefix)} is the beginning of several images' ids.`,
    { kind: 'image', ref: prefix, candidates: found.map(({ id }) => id) },
    { hint: 'Give more digits.' },
  )
}

/** All records, a page at a time. */
export async function* eachImage(store: ImageStore, signal?: AbortSignal): AsyncGenerator<ImageRecord, void> {
  for (let after: string | undefined; ; ) {
    signal?.throwIfAborted()
    const records = await store.list({ ...(after === undefined ? {} : { after }), limit: page })
    yield* records
    after = records.at(-1)?.id
    if (records.length < page || after === undefined) return
  }
}
