import { type Digest, digestOf, isDigest, splitDigest } from '../../base/digest.ts'
import { LibpodError } from '../../base/errors.ts'
import { dockerSchema1MediaTypes } from '../../specs/docker-image.ts'
import { ociMediaTypes } from '../../specs/image-spec.ts'
import { corrupt } from '../blobs.ts'
import { indexTypes, manifestTypes } from '../layout.ts'
import type { ImageSource, SourceDocument } from '../transport.ts'

/** A manifest or an index that is what its digest says. */
export interface RemoteDocument {
  readonly kind: 'manifest' | 'index'
  readonly mediaType: string
  readonly digest: Digest
  readonly data: Buffer
}

const oldTypes: ReadonlySet<string> = new Set(dockerSchema1MediaTypes)

/** Fetches a document and checks it against `expected`, or what the source itself says that it is. */
export async function fetchDocument(
  source: ImageSource,
  digest: Digest | undefined,
  expected: Digest | undefined,
  signal: AbortSignal | undefined,
): Promise<RemoteDocument> {
  const document = await source.document(digest, { signal })
  const what = `The manifest ${digest === undefined ? '' : `${digest} `}of ${source.label}`
  const actual = checkDigest(document, expected, what)
  return { ...typeOf(document, what), digest: actual, data: document.data }
}

function checkDigest({ data, claimedDigest }: SourceDocument, expected: Digest | undefined, what: string): Digest {
  const wanted = expected ?? (claimedDigest !== undefined && isDigest(claimedDigest) ? claimedDigest : undefined)
  if (wanted === undefined) return digestOf(data)
  const actual = digestOf(data, splitDigest(wanted).algorithm)
  if (actual === wanted) return actual
  throw corrupt(what, `its bytes have the digest ${actual} instead of ${wanted}`)
}

/** What it is: as it says itself, or as the source says, or as it looks. Sources are often wrong about that, but not in this way. */
function typeOf({ data, mediaType: given }: SourceDocument, what: string): Pick<RemoteDocument, 'kind' | 'mediaType'> {
  const { schemaVersion, mediaType, manifests, layers, config } = parseLoosely(data, what)
  if (schemaVersion === 1 || (given !== undefined && oldTypes.has(given))) throw refuseOld(what)
  const own = typeof mediaType === 'string' ? kindOf(mediaType) : undefined
  const told = given === undefined ? undefined : kindOf(given)
  if (own && told && own.kind !== told.kind)
    throw corrupt(what, `it calls itself ${own.mediaType}, and the registry calls it ${told.mediaType}`)
  const found = own ?? told
  if (found) return found
  if (Array.isArray(manifests)) return { kind: 'index', mediaType: ociMediaTypes.index }
  if (Array.isArray(layers) && config !== undefined) return { kind: 'manifest', mediaType: ociMediaTypes.manifest }
  const type = typeof mediaType === 'string' ? mediaType : (given ?? 'no type')
  throw new LibpodError(
    'unsupported',
    `${what} is not that of an image: it is of ${type}.`,
    { what: type },
    { hint: 'OCI images and those of Docker (version 2, schema 2) are known.' },
  )
}

function kindOf(mediaType: string): Pick<RemoteDocument, 'kind' | 'mediaType'> | undefined {
  if (indexTypes.has(mediaType)) return { kind: 'index', mediaType }
  return manifestTypes.has(mediaType) ? { kind: 'manifest', mediaType } : undefined
}

function parseLoosely(data: Buffer, what: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(data.toString())
  } catch (error) {
    throw corrupt(what, 'it is not JSON', error)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>
  throw corrupt(what, 'it is not an object')
}

function refuseOld(what: string): LibpodError {
  return new LibpodError(
    'unsupported',
    `${what} is of Docker's first schema, which has not been made for years.`,
    { what: 'manifest schema 1' },
    { hint: 'Have it pushed again by a newer Docker or Podman, or convert it: skopeo copy --format v2s2.' },
  )
}
