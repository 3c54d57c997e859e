import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isLibpodError, LibpodError } from '../../base/errors.ts'
import { newId } from '../../base/ids.ts'
import { randomName } from '../../base/names.ts'
import { step } from '../../base/steps.ts'
import { parseSignal } from '../../linux/signals.ts'
import { normalizeDns } from '../../network/dns-option.ts'
import { normalizePorts } from '../../network/ports-option.ts'
import { defaultCgroupsPath } from '../../oci/spec/cgroups-path.ts'
import { normalizeSpecOptions } from '../../oci/spec/spec-options.ts'
import type { ImageRecord } from '../../storage/image-store.ts'
import { resolveNetwork } from '../networking/resolve.ts'
import { type CreateContainerOptions, checkCreateOptions, type StoredOptions } from '../options.ts'
import { staticDirOf } from '../places.ts'
import { type ContainerRecord, containerKind, draftOf } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { subjectOf } from '../subject.ts'
import { chooseRuntime } from './choose-runtime.ts'

const defaultStopTimeoutMs = 10_000
/** How often a made-up name may meet one that is taken. */
const nameTries = 5

/** What only the engine itself decides of a new container. */
export interface CreateInternals {
  /** The engine it goes with: it is ephemeral. */
  readonly owner?: string
  /** It is run as a child of the engine, and so is running from the beginning. */
  readonly direct?: boolean
}

/** Creates a container and gives its record. */
export async function createContainer(
  services: ContainersServices,
  given: CreateContainerOptions,
  internals: CreateInternals = {},
): Promise<ContainerRecord> {
  services.closer.check()
  const options = await checkCreateOptions(given)
  options.signal?.throwIfAborted()
  if (options.rootfs !== undefined) await checkRootfs(options.rootfs)
  const image = options.image === undefined ? undefined : await services.image(options.image)
  const record = await planContainer(services, options, image, internals)
  options.signal?.throwIfAborted()
  const { id } = record
  const made = (): Promise<void> => step(services.probe, 'create.made', () => services.live.delete('making', id))
  if (record.pins.snapshotter !== undefined) {
    await step(services.probe, 'create.making', () => services.live.set('making', id, { owner: services.owner }))
  }
  try {
    if (record.pins.snapshotter !== undefined) {
      const parent = record.image?.chainId
      await step(services.probe, 'create.snapshot', () => services.snapshots.prepare(id, parent === undefined ? {} : { parent }))
    }
    options.signal?.throwIfAborted()
    const committed = await step(services.probe, 'create.commit', () => commit(services, record, options.name !== undefined))
    await Promise.all([step(services.probe, 'create.event', () => services.emit({ ...subjectOf(committed), action: 'create' })), made()])
    return committed
  } catch (error) {
    if (record.pins.snapshotter !== undefined && !(await services.registry.get('container', id))) await services.snapshots.remove(id)
    await made()
    throw error
  }
}

async function checkRootfs(rootfs: string): Promise<void> {
  const isFolder = await stat(rootfs).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (isFolder) return
  throw new LibpodError(
    'invalid-argument',
    `rootfs: ${rootfs} is not a folder.`,
    { path: 'rootfs', value: rootfs },
    { hint: 'Give the folder of an exploded root filesystem; images.import() takes a tarball.' },
  )
}

/** The pure part: options and image to a record. */
async function planContainer(
  services: ContainersServices,
  options: CreateContainerOptions,
  image: ImageRecord | undefined,
  { owner, direct = false }: CreateInternals,
): Promise<ContainerRecord> {
  const host = await services.host()
  const runtime = await chooseRuntime(services, options.runtime)
  const id = newId()
  const name = options.name ?? randomName()
  const network = await resolveNetwork(services, options.network)
  const hasNetworks = typeof network === 'object' && 'networks' in network
  const spec = normalizeSpecOptions({ ...options, network }, { id, host, ...(image ? { image: image.runConfig } : {}) })
  const driver = options.log?.driver === 'json-file' ? 'k8s-file' : (options.log?.driver ?? 'k8s-file')
  const stored: StoredOptions = {
    ...spec,
    ...normalizePorts(options, hasNetworks),
    ...normalizeDns(options, hasNetworks || network === 'host'),
    labels: { ...image?.labels, ...options.labels },
    restart: options.restart ?? { policy: 'no' },
    autoRemove: options.autoRemove ?? false,
    log: { driver, ...(options.log?.maxSizeBytes === undefined ? {} : { maxSizeBytes: options.log.maxSizeBytes }) },
    stopSignal: parseSignal(options.stopSignal ?? image?.runConfig.stopSignal ?? 'SIGTERM', 'stopSignal'),
    stopTimeoutMs: options.stopTimeoutMs ?? defaultStopTimeoutMs,
    ...(options.cgroupParent === undefined ? {} : { cgroupParent: options.cgroupParent }),
    ...(options.rootfs === undefined ? {} : { rootfs: options.rootfs }),
  }
  return {
    id,
    name,
    createdAt: new Date().toISOString(),
    ...(image === undefined
      ? {}
      : {
          image: {
            id: image.id,
            name: nameOf(image, options.image),
            ...(image.topChainId === undefined ? {} : { chainId: image.topChainId }),
          },
        }),
    options: stored,
    pins: {
      runtime: runtime.name,
      runtimePath: runtime.path,
      monitor: direct ? 'direct' : 'conmon',
      logDriver: driver,
      ...(options.rootfs === undefined ? { snapshotter: services.snapshots.driver } : {}),
    },
    logPath: options.log?.path ?? join(staticDirOf(services.places, id), 'ctr.log'),
    cgroupsPath: defaultCgroupsPath({
      id,
      parent: options.cgroupParent,
      systemd: host.systemdCgroup,
      delegatedControllers: host.delegatedControllers,
    }),
    ...(owner === undefined ? {} : { owner }),
    state: direct
      ? { status: 'running', generation: 1, restartCount: 0, startedAt: new Date().toISOString() }
      : { status: 'created', generation: 0, restartCount: 0 },
  }
}

/** How the user called the image, if that is one of its names; else its first name or id. */
function nameOf(image: ImageRecord, asked: string | undefined): string {
  return image.names.find((name) => name === asked) ?? image.names[0] ?? image.id
}

/** Writes the container; a made-up name that is taken is made up again. */
async function commit(services: ContainersServices, record: ContainerRecord, named: boolean): Promise<ContainerRecord> {
  for (let tries = 1; ; tries++) {
    const tried = tries === 1 ? record : { ...record, name: randomName() }
    try {
      await services.registry.create(containerKind.kind, draftOf(tried))
      return tried
    } catch (error) {
      if (isLibpodError(error, 'not-found') && error.details.kind === 'image') {
        throw new LibpodError('not-found', `The image ${record.image?.name ?? ''} was removed meanwhile.`, error.details, {
          cause: error,
          hint: 'Bring it back and try again.',
        })
      }
      if (named || tries >= nameTries || !isLibpodError(error, 'already-exists')) throw error
    }
  }
}
