import { isLibpodError, LibpodError } from '../../base/errors.ts'
import { endpointsOf } from '../endpoints.ts'
import { formatReference, type ImageReference } from '../reference.ts'
import { withRetries } from '../retries.ts'
import type { ImagesServices } from '../services.ts'
import type { ImageSource, SourceCredentials, Transport } from '../transport.ts'
import { fetchDocument, type RemoteDocument } from './remote-document.ts'

/** How registries are spoken to. */
export interface RemoteOptions {
  readonly tlsVerify: boolean | undefined
  readonly credentials: SourceCredentials | undefined
  readonly signal: AbortSignal | undefined
}

/** An image that was found. */
export interface RemoteImage {
  /** As it was asked for, also if a mirror has it. */
  readonly reference: ImageReference
  readonly source: ImageSource
  /** What the reference means: a manifest or an index. */
  readonly top: RemoteDocument
}

interface Place {
  readonly reference: ImageReference
  readonly at: ImageReference
  readonly tls: 'verify' | 'optional'
}

/** Looks for an image in one place after the other, and gives the first that has it. The caller closes its source. */
export async function openRemote(
  services: ImagesServices,
  candidates: readonly ImageReference[],
  options: RemoteOptions,
): Promise<RemoteImage> {
  const transport = dockerTransportOf(services)
  const conf = await services.registries()
  const places = candidates.flatMap((reference) =>
    endpointsOf(reference, conf).map(({ reference: at, insecure }): Place => {
      const verify = options.tlsVerify ?? !insecure
      return { reference, at, tls: verify ? 'verify' : 'optional' }
    }),
  )
  const errors: unknown[] = []
  for (const [index, place] of places.entries()) {
    try {
      // Where there are others to ask, nobody is asked twice.
      return await openAt(services, transport, place, options, index === places.length - 1)
    } catch (error) {
      options.signal?.throwIfAborted()
      errors.push(error)
    }
  }
  throw together(errors, places)
}

async function openAt(
  { logger }: ImagesServices,
  transport: Transport,
  { reference, at, tls }: Place,
  { credentials, signal }: RemoteOptions,
  patiently: boolean,
): Promise<RemoteImage> {
  // What the caller says is meant for the registry that they named, and for no mirror of it.
  const own = credentials !== undefined && at.domain === reference.domain ? { credentials } : {}
  const source = await transport.open(at, { tls, signal, ...own })
  const fetch = (): Promise<RemoteDocument> => fetchDocument(source, undefined, reference.digest, signal)
  try {
    return { reference, source, top: await (patiently ? withRetries(fetch, { logger, signal }) : fetch()) }
  } catch (error) {
    await source.close()
    throw error
  }
}

function dockerTransportOf({ transports }: ImagesServices): Transport {
  const transport = transports.get('docker')
  if (transport) return transport
  throw new LibpodError('internal', 'There is no transport for registries.', { what: 'docker' })
}

/** One error that tells of all. */
function together(errors: readonly unknown[], places: readonly Place[]): unknown {
  const [first] = errors
  if (errors.length < 2) return first
  const names = places.map(({ at }) => formatReference(at)).join(', ')
  const cause = new AggregateError(errors, `${errors.length} places were asked.`)
  const hint = 'The causes tell what each of them answered.'
  const serious = errors.filter((error) => !isLibpodError(error, 'not-found'))
  if (serious.length === 0)
    return new LibpodError(
      'not-found',
      `None of ${names} is there.`,
      { kind: 'image', ref: names },
      { cause, hint: 'Look at the name and the tag.' },
    )
  const reasons = serious.map((error) => (error instanceof Error ? error.message : String(error))).join(' ')
  const registry = places.map(({ at }) => at.domain ?? '').join(', ')
  return new LibpodError('registry', `None of ${names} could be had: ${reasons}`, { registry }, { cause, hint })
}
