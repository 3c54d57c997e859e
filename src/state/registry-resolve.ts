import { LibpodError } from '../base/errors.ts'
import { isIdPrefix } from '../base/ids.ts'
import { nameKey, objectKey, summaryKey } from './registry-keys.ts'
import type { KindDefinition } from './registry-types.ts'
import type { StateStore } from './state-store.ts'

/** How many objects an ambiguous abbreviation tells of. */
const maxCandidates = 10

/** The id a reference means, or `undefined`: a full id, else a name, else the beginning of only one id. */
export async function resolveReference(store: StateStore, { kind, nameScope }: KindDefinition, ref: string): Promise<string | undefined> {
  if (typeof ref !== 'string') throw notText(kind, ref)
  if (ref === '') return undefined
  const couldBeId = !ref.includes('/') && Buffer.byteLength(objectKey(kind, ref)) <= 400
  const couldBeName = Buffer.byteLength(nameKey(nameScope, ref)) <= 400
  const [named, own] = await store
    .get([...(couldBeName ? [nameKey(nameScope, ref)] : []), ...(couldBeId ? [summaryKey(kind, ref)] : [])])
    .then((entries) => [couldBeName ? entries[0] : undefined, couldBeId ? entries.at(-1) : undefined])
  if (own) return ref
  const holder = named?.value as { readonly kind: string; readonly id: string } | undefined
  if (holder?.kind === kind) return holder.id
  if (!isIdPrefix(ref)) return undefined
  const prefix = summaryKey(kind, ref)
  const candidates = (await store.list(prefix, { limit: maxCandidates })).map(({ key }) => key.slice(prefix.length - ref.length))
  if (candidates.length < 2) return candidates[0]
  throw new LibpodError(
    'ambiguous',
    `${JSON.stringify(ref)} could mean several objects of kind ${kind}: ${candidates.map((id) => id.slice(0, 12)).join(', ')}.`,
    { kind, ref, candidates },
    { hint: 'Give more digits of the id, or the name.' },
  )
}

function notText(kind: string, ref: unknown): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `${kind}: ${JSON.stringify(ref)} is not a text.`,
    { path: kind, value: ref },
    { hint: 'Give a name, an id or the beginning of one.' },
  )
}
