import { isLibpodError, LibpodError } from '../base/errors.ts'
import { step } from '../base/steps.ts'
import type { ImageRecord } from '../storage/image-store.ts'
import { emitImageEvent } from './events.ts'
import { findImage, getImage } from './lookup.ts'
import { formatPlatform, type Platform, parsePlatform } from './platform.ts'
import { guardProgress } from './progress.ts'
import { fetchImage, type Pulling } from './pull/fetch-image.ts'
import { openRemote, type RemoteImage } from './pull/open-remote.ts'
import { checkPullOptions, type PullImageOptions } from './pull/pull-options.ts'
import { formatReference, type ImageReference } from './reference.ts'
import type { ImagesServices } from './services.ts'
import { remoteCandidates } from './short-names.ts'
import { untilClosed } from './until-closed.ts'

/** Brings an image from a registry, or finds it in the local store if the policy allows it. */
export async function pullImage(services: ImagesServices, text: string, options: PullImageOptions = {}): Promise<ImageRecord> {
  await checkPullOptions(options)
  services.closer.check()
  options.signal?.throwIfAborted()
  const name = withoutTransport(text)
  const wanted = options.platform === undefined ? undefined : parsePlatform(options.platform)
  const policy = options.policy ?? 'always'
  if (policy === 'never') return getThere(services, name, wanted, options)
  const there = policy === 'always' ? undefined : await findThere(services, name, wanted, options)
  if (policy === 'missing' && there) return there
  return untilClosed(services, 'a pull', options.signal, (signal) => pullUnlessThere(services, name, there, { ...options, signal }, wanted))
}

/** What is there already, if it is for the platform that was asked for. */
async function getThere(
  services: ImagesServices,
  name: string,
  wanted: Platform | undefined,
  { signal }: PullImageOptions,
): Promise<ImageRecord> {
  const record = await getImage(services, name, { signal })
  if (wanted === undefined || isFor(record.platform, wanted)) return record
  throw new LibpodError(
    'unsupported',
    `${name} in the local store is not for ${formatPlatform(wanted)}, but for ${formatPlatform(record.platform)}.`,
    { what: formatPlatform(wanted) },
    { hint: "Let it be pulled: { policy: 'missing' }." },
  )
}

/** Of an image for another platform than the one that was asked for, there might as well be none. */
async function findThere(
  services: ImagesServices,
  name: string,
  wanted: Platform | undefined,
  { signal }: PullImageOptions,
): Promise<ImageRecord | undefined> {
  const found = await findImage(services, name, { signal })
  return found === undefined || wanted === undefined || isFor(found.platform, wanted) ? found : undefined
}

function isFor(platform: Platform, wanted: Platform): boolean {
  return (
    (['os', 'architecture'] as const).every((part) => platform[part] === wanted[part]) &&
    (wanted.variant ?? platform.variant) === platform.variant
  )
}

async function pullUnlessThere(
  services: ImagesServices,
  name: string,
  there: ImageRecord | undefined,
  { tlsVerify, credentials, signal, onProgress }: PullImageOptions,
  wanted: Platform | undefined,
): Promise<ImageRecord> {
  const candidates = remoteCandidates(name, await services.registries())
  if (credentials !== undefined && candidates.length > 1) throw refuseToTell(name, candidates)
  let remote: RemoteImage
  try {
    remote = await step(services.probe, 'pull.manifest', () => openRemote(services, candidates, { tlsVerify, credentials, signal }))
  } catch (error) {
    signal?.throwIfAborted()
    if (there === undefined || !isLibpodError(error)) throw error
    services.logger.warn(`Whether there is a newer ${name} is not known: ${error.message}`)
    return there
  }
  try {
    if (there !== undefined && isSame(there, remote)) return there
    const pulling: Pulling = { services, remote, wanted, progress: guardProgress(onProgress, services.logger), signal }
    const record = await services.leases.with((lease) => fetchImage(pulling, lease))
    await step(services.probe, 'pull.event', () => emitImageEvent(services, 'pull', record, formatReference(remote.reference)))
    return record
  } finally {
    await remote.source.close()
    services.garbage()
  }
}

/** What the registry has now is what was fetched before. */
function isSame({ repoDigests }: ImageRecord, { reference: { tag: _, digest: __, ...repository }, top }: RemoteImage): boolean {
  return repoDigests.includes(formatReference({ ...repository, digest: top.digest }))
}

/** What stands before a colon may be a registry, whose port follows; after two slashes anything is a name. */
function withoutTransport(text: string): string {
  if (typeof text !== 'string') return text
  const [, transport, rest = ''] = /^([a-z-]+):(?:\/\/|(?=[^0-9]))(.*)$/s.exec(text) ?? []
  if (transport === 'docker') return rest
  if (transport === undefined || !otherTransports.has(transport)) return text
  throw new LibpodError(
    'unsupported',
    `${text} is not in a registry.`,
    { what: `${transport}:` },
    { hint: 'Archives and layouts are brought with images.load().' },
  )
}

const otherTransports: ReadonlySet<string> = new Set([
  'containers-storage',
  'dir',
  'docker-archive',
  'docker-daemon',
  'oci',
  'oci-archive',
  'ostree',
])

function refuseToTell(name: string, candidates: readonly ImageReference[]): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `credentials: ${JSON.stringify(name)} could be in several registries, and only one of them may see these.`,
    { path: 'credentials' },
    { hint: `Write the name in full: ${candidates.map(formatReference).join(' or ')}.` },
  )
}
