import { join } from 'node:path'
import { Closer } from '../base/closer.ts'
import { LibpodError } from '../base/errors.ts'
import { silentLogger } from '../base/logger.ts'
import { readConfig } from '../config/read-config.ts'
import { registryAccess } from '../config/registry-access.ts'
import { Changes } from '../containers/changes.ts'
import { containerKind } from '../containers/record.ts'
import type { ContainersServices } from '../containers/services.ts'
import { DutyLock } from '../locks/duty.ts'
import { createFlockManager } from '../locks/flock.ts'
import { createOwner } from '../locks/owners.ts'
import { networkKind } from '../network/record.ts'
import { membershipOf } from '../pods/membership.ts'
import { podKind } from '../pods/record.ts'
import type { PodsServices } from '../pods/services.ts'
import { checkRoot, claimRoot } from '../state/format.ts'
import { LiveState } from '../state/live.ts'
import { Registry } from '../state/registry.ts'
import { imageKind } from '../storage/images/image-kind.ts'
import { volumeKind } from '../volumes/record.ts'
import { claimRunRoot } from './claim-run-root.ts'
import { claimAlone, claimState } from './claim-state.ts'
import { builtInTransports } from './defaults.ts'
import { type Duty, openDuty } from './duty.ts'
import type { Engine } from './engine.ts'
import { enterEpoch } from './epoch.ts'
import { findHelpers } from './helpers.ts'
import { openEvents } from './open-events.ts'
import { openHelpers } from './open-helpers.ts'
import { openNetwork } from './open-network.ts'
import { openOci } from './open-oci.ts'
import { openPlaces } from './open-places.ts'
import { openRootless, outdatedIds } from './open-rootless.ts'
import { openLiveState, openState, stateName } from './open-state.ts'
import { openStorage } from './open-storage.ts'
import { openVolumes } from './open-volumes.ts'
import { checkRuntimeOptions, type InternalOptions, internals, type RuntimeOptions } from './options.ts'
import { recover } from './recover.ts'
import { removeUsers } from './remove-users.ts'
import { rootFileOf } from './root-file.ts'
import { startCleanup } from './start-cleanup.ts'
import { writeExitScript } from './write-exit-script.ts'

/** Opens an engine: from the folders up to the duty, each part closed again when a later one fails. */
export async function openEngine(options: RuntimeOptions & InternalOptions): Promise<Engine> {
  await checkRuntimeOptions(options)
  options.signal?.throwIfAborted()
  if (process.platform !== 'linux') {
    throw new LibpodError(
      'unsupported',
      `Containers need Linux; this host is ${process.platform}.`,
      { what: process.platform },
      {
        hint: 'Importing this package and its types works everywhere; open a runtime on a Linux host.',
      },
    )
  }
  const closer = new Closer('runtime')
  try {
    const engine = await openParts(options, closer)
    options.signal?.throwIfAborted()
    return engine
  } catch (error) {
    await closer.close().catch(() => {})
    throw error
  }
}

async function openParts(options: RuntimeOptions & InternalOptions, closer: Closer): Promise<Engine> {
  const { logger = silentLogger, serve = true, state: stateOption = 'lmdb' } = options
  const { probe, dutyFd, stallMs, isCleanup = false, uid } = options[internals] ?? {}
  const told = await readConfig({ root: options.root, runRoot: options.runRoot, uid })
  const programs = await findHelpers(options.helpersDir)
  const places = await openPlaces(told.root, told.runRoot)
  const { root, runRoot } = places
  const config = Object.freeze({ ...told, root, runRoot })
  const rootless = await openRootless(config)
  closer.add(() => rootless?.close())
  if (rootless?.outdated) logger.warn(outdatedIds)
  const epoch = await enterEpoch(runRoot)
  await claimState(root, stateName(stateOption))
  const store = await openState(stateOption, root)
  closer.add(() => store.close())
  const pinned = { root, runRoot, uid: config.uid, state: stateName(stateOption) }
  // Neither the root nor the run root is claimed for the other when that is another's already.
  await checkRoot(store, pinned)
  await claimRunRoot(runRoot, rootFileOf(options, config))
  const liveStore = await openLiveState(stateOption, runRoot)
  closer.add(() => liveStore.close())
  if (!store.traits.shared) closer.add(claimAlone(root))
  const owner = await createOwner(places.owners)
  closer.add(() => owner.release())
  const events = await openEvents({ root, runRoot, logger, closer })
  const changes = new Changes()
  const kinds = [containerKind, imageKind, networkKind, podKind, volumeKind]
  const registry = new Registry(store, { kinds, onCommit: () => events.ring() })
  const locks = createFlockManager({ directory: places.locks })
  closer.add(() => locks.close())
  const helpers = openHelpers({
    programs,
    runRoot,
    ownerFile: join(places.owners, `${owner.id}.lock`),
    env: config.monitorEnv,
    logger,
    prefix: rootless?.prefix ?? [],
  })
  closer.add(() => helpers.close())
  let leaves = false
  closer.add(() => {
    if (leaves) startCleanup(programs.cleanup, runRoot, config.monitorEnv)
  })
  // Before the helpers end: to them an owner that is still there has died, and they would start the clean-up program. And before that is
  // started for what this engine leaves: what a living owner has begun is its own.
  let dead = false
  closer.add(() => owner.release({ dead }))
  const live = new LiveState(liveStore)
  const access = registryAccess({ environment: config.environment, uid: config.uid })
  const storage = await openStorage({
    root,
    uid: config.uid,
    registry,
    liveStore,
    locks,
    owners: places.owners,
    owner: owner.id,
    helper: helpers.storage,
    logger,
    closer,
    probe,
    emit: events.emit,
    transports: builtInTransports({ access, stallMs }),
    registries: access.rules,
    option: options.images,
    removeUsers: (users, how) => removeUsers(services, users, how),
  })
  await claimRoot(store, { ...pinned, snapshotter: storage.snapshots.driver })
  const oci = openOci({ config, options, helper: helpers.oci, prefix: rootless?.prefix ?? [], mappings: rootless?.mappings })
  closer.add(() => oci.close())
  const volumes = openVolumes({
    root,
    registry,
    locks,
    closer,
    probe,
    logger,
    helper: helpers.storage,
    background: oci.services.background,
    drivers: options.volumes?.drivers ?? [],
    emit: events.emit,
    removeUsers: (users, how) => removeUsers(services, users, how),
  })
  const duty: { current?: Duty } = {}
  const network = openNetwork({
    config,
    registry,
    liveStore,
    locks,
    helper: helpers.oci,
    prefix: rootless?.prefix ?? [],
    owners: places.owners,
    owner: owner.id,
    background: oci.services.background,
    logger,
    closer,
    probe,
    emit: events.emit,
    containers: () => services,
  })
  const services: ContainersServices = {
    ...oci.services,
    registry,
    live,
    locks,
    network,
    changes,
    places: { root, runRoot },
    config,
    logger,
    closer,
    probe,
    owner: owner.id,
    snapshots: storage.snapshots,
    volumes: volumes.services,
    image: storage.readyImage,
    pod: (reference) => membershipOf(pods, reference),
    readLayers: storage.readFile,
    emit: events.emit,
    async restartDue(id, at) {
      await live.set('restart', id, { dueAt: at.toISOString() })
      duty.current?.scheduleRestart(id, at)
      events.ring()
    },
  }
  const pods: PodsServices = { containers: services, infraRoot: join(root, 'infra') }
  closer.add(() => services.background.settled())
  closer.add(() =>
    services.ephemerals.endAll().catch((error: unknown) => {
      dead = true
      throw error
    }),
  )
  closer.add(events.onRing(() => changes.notifyAll()))
  if (!isCleanup) await writeExitScript(runRoot, programs, options, config)
  const recovery = { ownersDir: places.owners, locksDir: places.locks, recoverStorage: storage.recover, recoverVolumes: volumes.recover }
  await recover(services, { ...recovery, newEpoch: epoch.isNew })
  await epoch.begin()
  if (serve) {
    duty.current = await openDuty(services, {
      lock: new DutyLock(join(runRoot, 'duty.lock'), dutyFd),
      ownersDir: places.owners,
      recoverDead: () => recover(services, { ...recovery, newEpoch: false }),
    })
    const served = duty.current
    closer.add(events.onRing(() => served.ring()))
    closer.add(async () => {
      leaves = (await served.stop()) && store.traits.shared
    })
  }
  const ended = new AbortController()
  // First of all: whoever waits or iterates is told that there is nothing more to come.
  closer.add(() => {
    ended.abort()
    changes.notifyAll()
  })
  return {
    config,
    closer,
    rootless: rootless?.mappings,
    containers: services,
    pods,
    images: storage.services,
    bus: events.bus,
    eventLog: events.log,
    wake: events.wake,
    ended: ended.signal,
    duty: duty.current,
    state: stateName(stateOption),
    snapshotterReason: storage.reason,
    runtimes: oci.detected,
    conmon: oci.conmon,
    collectGarbage: storage.collectGarbage,
  }
}
