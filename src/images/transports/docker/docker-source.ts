import { dockerMediaTypes, dockerSchema1MediaTypes } from '../../../specs/docker-image.ts'
import { ociMediaTypes } from '../../../specs/image-spec.ts'
import { type BlobRef, corrupt, largestDocument } from '../../blobs.ts'
import { formatReference, type ImageReference } from '../../reference.ts'
import type { ImageSource } from '../../transport.ts'
import { brokenOff, protocolError } from './failures.ts'
import type { HttpResponse } from './http.ts'
import type { RegistrySession } from './registry-session.ts'

const accept = [
  ociMediaTypes.index,
  dockerMediaTypes.list,
  ociMediaTypes.manifest,
  dockerMediaTypes.manifest,
  // Asked for as well, so that an image of this kind can be told from one that is not there.
  ...dockerSchema1MediaTypes,
].join(', ')

/** An image in a registry. */
export function dockerSource(session: RegistrySession, registry: string, reference: ImageReference): ImageSource {
  const label = formatReference(reference)
  const { path } = reference
  return {
    label,
    async document(digest, { signal }) {
      const name = digest ?? reference.digest ?? reference.tag ?? 'latest'
      const what = digest === undefined ? `manifest of ${label}` : `manifest ${digest} of ${label}`
      const request = { path: `${path}/manifests/${name}`, headers: { accept }, what, kind: 'image', ref: label, signal }
      const response = await session.get(request)
      const { data, complete } = await response.read(largestDocument).catch((error: unknown): never => {
        signal?.throwIfAborted()
        throw brokenOff(error, { registry, what })
      })
      if (!complete) throw corrupt(`The ${what}`, `it has more than ${largestDocument} bytes, which are the most that is read`)
      return {
        data,
        mediaType: response.header('content-type')?.split(';')[0]?.trim().toLowerCase(),
        claimedDigest: response.header('docker-content-digest'),
      }
    },
    async blob({ digest, size }, { offset, signal }) {
      const what = `blob ${digest} of ${label}`
      const request = { path: `${path}/blobs/${digest}`, what, kind: 'blob', ref: digest, signal }
      let response = await session.get({ ...request, headers: headersFrom(offset), ...(offset > 0 ? { also: [rangeRefused] } : {}) })
      let begins = beginningOf(response, offset)
      if (begins === undefined && offset > 0) {
        // It cannot go on, now or ever: what is there already is of no use, but all of it can be had.
        response.drop()
        response = await session.get({ ...request, headers: headersFrom(0) })
        begins = beginningOf(response, 0)
      }
      if (begins === undefined) {
        response.drop()
        throw protocolError(registry, `sent another part of the ${what} than it was asked for`)
      }
      checkLength(response, { digest, size }, begins, label)
      return { offset: begins, bytes: bytesOf(response, { registry, what, signal }) }
    },
    close: () => session.close(),
  }
}

/** What says that there is no such range. */
const rangeRefused = 416

function headersFrom(offset: number): Readonly<Record<string, string>> {
  return { 'accept-encoding': 'identity', ...(offset > 0 ? { range: `bytes=${offset}-` } : {}) }
}

/** Where the bytes of an answer begin. Not every registry knows of ranges, and some begin at 0 whatever they are asked for. */
function beginningOf({ status, header }: HttpResponse, asked: number): number | undefined {
  if (status === rangeRefused) return undefined
  if (status !== 206) return 0
  const [, start] = /^bytes (\d+)-/.exec(header('content-range') ?? '') ?? []
  return start !== undefined && (Number(start) === asked || Number(start) === 0) ? Number(start) : undefined
}

/** A length that cannot be right is refused before all those bytes have come. */
function checkLength(response: HttpResponse, { digest, size }: BlobRef, begins: number, label: string): void {
  const length = response.header('content-length')
  if (length === undefined || Number(length) === size - begins) return
  response.drop()
  throw corrupt(`Blob ${digest} of ${label}`, `it has ${Number(length) + begins} bytes instead of ${size}`)
}

async function* bytesOf(
  response: HttpResponse,
  { registry, what, signal }: { readonly registry: string; readonly what: string; readonly signal: AbortSignal | undefined },
): AsyncGenerator<Buffer, void> {
  try {
    yield* response.body
  } catch (error) {
    signal?.throwIfAborted()
    throw brokenOff(error, { registry, what })
  } finally {
    response.drop()
  }
}
