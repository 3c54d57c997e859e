import type { Digest } from '../../base/digest.ts'
import type { Descriptor } from '../../specs/image-spec.ts'
import { corrupt } from '../blobs.ts'
import { chooseOrRefuse, deepestIndex, parseIndex } from '../layout.ts'
import type { Platform } from '../platform.ts'
import type { ImageSource } from '../transport.ts'
import type { RemoteDocument } from './remote-document.ts'

/** The manifest of the image for one platform. */
export interface ResolvedManifest {
  readonly manifest: Descriptor
  readonly data: Buffer
  /** Those of the indexes that led to it, and its own. */
  readonly digests: readonly Digest[]
  /** It was chosen among several. */
  readonly chosen: boolean
}

/** Follows indexes down to the manifest that fits a platform best. `fetch` gets a document by its digest. */
export async function resolveManifest(
  { label }: ImageSource,
  top: RemoteDocument,
  platform: Platform,
  fetch: (digest: Digest) => Promise<RemoteDocument>,
): Promise<ResolvedManifest> {
  const digests: Digest[] = [top.digest]
  let document = top
  for (let depth = 0; document.kind === 'index'; depth++) {
    if (depth === deepestIndex) throw corrupt(label, 'its indexes are nested too deeply')
    const { manifests } = await parseIndex(document.data, `The index ${document.digest} of ${label}`)
    const next = chooseManifest(label, manifests, platform)
    document = await fetch(next.digest)
    digests.push(document.digest)
    checkDescribed(label, next, document)
  }
  const { mediaType, digest, data } = document
  return { manifest: { mediaType, digest, size: data.length }, data, digests, chosen: digests.length > 1 }
}

/** An index of one image need not say what it is for. */
function chooseManifest(label: string, manifests: readonly Descriptor[], platform: Platform): Descriptor {
  const [only, second] = manifests
  return only !== undefined && second === undefined && only.platform === undefined ? only : chooseOrRefuse(label, manifests, platform)
}

function checkDescribed(label: string, { digest, size, mediaType }: Descriptor, document: RemoteDocument): void {
  const what = `The manifest ${digest} of ${label}`
  if (document.data.length !== size) throw corrupt(what, `it has ${document.data.length} bytes instead of ${size}`)
  if (document.mediaType !== mediaType) throw corrupt(what, `it is of the type ${document.mediaType}, and its index calls it ${mediaType}`)
}
