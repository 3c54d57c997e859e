import type { AbortOptions } from '../../base/abort.ts'
import { step } from '../../base/steps.ts'
import { publishedPorts } from '../networking/start-network.ts'
import { type ContainerRecord, containerKind, type HeldContainer, type LiveContainer } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { checkStatus, isActive } from '../status.ts'
import { updateState } from '../store.ts'
import { subjectOf } from '../subject.ts'
import { findOwner } from './joined.ts'
import { makeContainer } from './make.ts'
import { runtimeOf } from './pins.ts'
import { dropPreparedLog } from './prepare-log.ts'
import { initializedState, runningState, undoneState } from './running-state.ts'
import { undoStart } from './undo-start.ts'
import { type HeldWork, withContainer } from './with-container.ts'

/** Options of {@link Container.start}. @public */
export interface StartContainerOptions extends AbortOptions {}

/** Starts a container. Resolves when its program runs. */
export function startContainer(
  services: ContainersServices,
  id: string,
  { signal }: StartContainerOptions = {},
): Promise<{ changed: boolean }> {
  return withNamespaces<{ changed: boolean }>(services, id, { signal }, async (held) => {
    if (held.record.state.status === 'running') return { result: { changed: false } }
    checkStatus('start', held.record)
    await startHeld(services, held, { signal })
    return { result: { changed: true } }
  })
}

/** Makes the container in its runtime, so that it can be attached to before its program starts. */
export function initContainer(services: ContainersServices, id: string, { signal }: AbortOptions = {}): Promise<{ changed: boolean }> {
  return withNamespaces<{ changed: boolean }>(services, id, { signal }, async ({ record }) => {
    if (record.state.status === 'initialized') return { result: { changed: false } }
    checkStatus('init', record)
    const made = await makeContainer(services, record, { signal })
    await step(services.probe, 'init.commit', () => updateState(services, id, (state) => initializedState(state, made)))
    const { before: _, ...live } = made
    await step(services.probe, 'init.live', () => services.live.set(containerKind.kind, id, { ...live, phase: 'started' }))
    await services.emit({ ...subjectOf(record), action: 'init' })
    return { result: { changed: true } }
  })
}

/**
 * Takes the lock of a container to start it. For a member of a pod whose namespaces nobody holds, the lock is given back, the pod's infra
 * container started, and the lock taken again: nobody who has one container's lock waits for another's.
 */
export async function withNamespaces<T>(
  services: ContainersServices,
  id: string,
  { signal }: AbortOptions,
  work: (held: HeldContainer) => Promise<HeldWork<T>>,
): Promise<T> {
  const first = await withContainer(services, id, { signal }, async (held): Promise<HeldWork<{ readonly infra: string } | HeldWork<T>>> => {
    const infra = isActive(held.record.state.status) ? undefined : await restingInfra(services, held.record)
    return infra === undefined ? { result: await work(held) } : { result: { infra } }
  })
  if (!('infra' in first)) return first.result
  await startContainer(services, first.infra, { signal })
  return withContainer(services, id, { signal }, work)
}

/** The infra container of a member's pod, if that does not run. */
export async function restingInfra(services: ContainersServices, { pod, infra }: ContainerRecord): Promise<string | undefined> {
  if (pod === undefined || infra) return undefined
  const holder = (await services.pod(pod)).infra
  return holder === undefined || (await findOwner(services, holder)) ? undefined : holder
}

/** Starts a container whose lock is held; `restarted` when the restart policy does it. */
export async function startHeld(
  services: ContainersServices,
  { record, live: found }: HeldContainer,
  { signal, restarted = false }: AbortOptions & { readonly restarted?: boolean } = {},
): Promise<void> {
  const runtime = await runtimeOf(services, record)
  const made =
    record.state.status === 'initialized' && found
      ? await markStarting(services, record, found)
      : await makeContainer(services, record, { signal, restarted })
  // Nothing that the program says is older.
  const startedAt = new Date()
  // The record is written while the runtime works: as long as the live entry says `starting`, whoever finds it looks for himself.
  const [started, committed] = await Promise.allSettled([
    step(services.probe, 'start.runtime', () => runtime.start(record.id, { signal })),
    commitRunning(services, record, made, startedAt),
  ])
  const failed = [started, committed].find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined
  if (failed !== undefined) {
    const isBack = await takeBackStart(services, record)
    if (isBack && made.ownsLog && !record.state.ownsLog) await dropPreparedLog(services, record)
    throw failed.reason
  }
  // It came before the one that was due.
  if (record.state.restartDueAt !== undefined && !restarted) await services.live.delete('restart', record.id)
  const { before: _, ...live } = made
  await step(services.probe, 'start.live', () => services.live.set(containerKind.kind, record.id, { ...live, phase: 'started' }))
  services.changes.notify(record.id)
  await step(services.probe, 'start.event', () => services.emit({ ...subjectOf(record), action: 'start' }))
}

/**
 * The record first: as long as the live entry says `starting`, whoever finds it does this again. Where it cannot be written now, it is
 * left to him, and `false` given.
 */
async function takeBackStart(services: ContainersServices, { id, name, state: before }: ContainerRecord): Promise<boolean> {
  try {
    await updateState(services, id, (state) => (isActive(state.status) ? undoneState(before) : undefined))
    await undoStart(services, id)
    return true
  } catch (error) {
    services.logger.warn(`Taking back a start of container ${name}: ${error instanceof Error ? error.message : String(error)}`)
    return false
  }
}

/** From here on it may run already, whatever the record says: who finds this looks. */
async function markStarting(services: ContainersServices, { id, state }: ContainerRecord, live: LiveContainer): Promise<LiveContainer> {
  const starting: LiveContainer = { ...live, phase: 'starting', before: state }
  await step(services.probe, 'start.mark', () => services.live.set(containerKind.kind, id, starting))
  return starting
}

async function commitRunning(services: ContainersServices, record: ContainerRecord, made: LiveContainer, startedAt: Date): Promise<void> {
  const ports = await publishedPorts(services, record.id)
  await step(services.probe, 'start.commit', () => updateState(services, record.id, (state) => runningState(state, made, ports, startedAt)))
}
