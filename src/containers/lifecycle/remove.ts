import type { AbortOptions } from '../../base/abort.ts'
import { isLibpodError, LibpodError } from '../../base/errors.ts'
import { verbOptions } from '../../base/schema.ts'
import { sleep } from '../../base/time.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { checkStatus, isActive } from '../status.ts'
import { readRecord } from '../store.ts'
import { dropContainer } from './drop.ts'
import { keepEndOf } from './kept-exits.ts'
import { directMs, isDirect, killHeld } from './kill.ts'
import { undoStart } from './undo-start.ts'
import { whenEnded } from './when-ended.ts'
import { withContainer } from './with-container.ts'

/** Options of {@link Container.remove}. @public */
export interface RemoveContainerOptions extends AbortOptions {
  /** Kill it first if it runs. */
  readonly force?: boolean | undefined
  /** Resolve with `{ changed: false }` when it is gone already, instead of `not-found`. */
  readonly ifExists?: boolean | undefined
  /** Remove its anonymous volumes, too, unless others use them. Those of an ephemeral or automatically removed container always go. */
  readonly volumes?: boolean | undefined
}

const checkOptions = verbOptions<RemoveContainerOptions>((z) => ({
  force: z.boolean().optional(),
  ifExists: z.boolean().optional(),
  volumes: z.boolean().optional(),
}))

/**
 * Removes a container with its root file system, its log and its place in the store. An infra container goes only `withPod`; `idle` spares
 * one that waits for its restart.
 */
export async function removeContainer(
  services: ContainersServices,
  id: string,
  options: RemoveContainerOptions = {},
  { withPod = false, idle = false }: { readonly withPod?: boolean; readonly idle?: boolean } = {},
): Promise<{ changed: boolean }> {
  await checkOptions(options)
  const { force = false, ifExists = false, volumes = false, signal } = options
  let killed = false
  for (;;) {
    try {
      const ended = await withContainer(services, id, { signal }, async ({ record, live }) => {
        if (record.infra && !withPod) throw goesWithPod(record)
        if (isActive(record.state.status) && force) {
          const found = await killHeld(services, record, 9)
          killed = true
          return { result: found || !isDirect(record) ? whenEnded(services, record, live) : { wait: () => sleep(directMs, { signal }) } }
        }
        checkStatus('remove', record)
        if (idle && record.state.restartDueAt !== undefined) throw aboutToRestart(record)
        // It is there before the commit is: that waits for the disk.
        const kept = keepEndOf(services, record)
        kept.catch(() => {})
        await dropContainer(services, record, { volumes })
        await kept
        return { result: undefined, removed: true }
      })
      if (ended === undefined) return { changed: true }
      await ended.wait({ signal })
    } catch (error) {
      // With `autoRemove` it may go by itself once it is killed.
      if (killed && isLibpodError(error, 'not-found')) return { changed: true }
      if (ifExists && isLibpodError(error, 'not-found')) return { changed: false }
      throw error
    }
  }
}

function aboutToRestart({ name, state }: ContainerRecord): LibpodError<'invalid-state'> {
  return new LibpodError(
    'invalid-state',
    `Container ${name} is about to be restarted.`,
    { kind: 'container', ref: name, state: state.status, allowed: ['created'], verb: 'remove' },
    { hint: 'Stop it first: then it is not restarted.' },
  )
}

function goesWithPod({ id, name, pod }: ContainerRecord): LibpodError<'in-use'> {
  return new LibpodError(
    'in-use',
    `Container ${name} holds the namespaces of a pod.`,
    { kind: 'container', ref: id, users: [`pod/${pod ?? ''}`] },
    { hint: 'It is removed with its pod.' },
  )
}

/** Removes an ephemeral container whose engine is gone: nobody is told to end it nicely, and nobody waits for it. */
export async function removeOwnerless(services: ContainersServices, id: string): Promise<void> {
  const release = await services.locks.acquire(`container/${id}`)
  let removed = false
  try {
    const record = await readRecord(services, id)
    if (record !== undefined) {
      await undoStart(services, id)
      await dropContainer(services, record)
    }
    removed = true
  } finally {
    await release({ remove: removed })
  }
}
