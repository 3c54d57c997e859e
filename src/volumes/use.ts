import type { AbortOptions } from '../base/abort.ts'
import { step } from '../base/steps.ts'
import type { CopyUpRequest } from '../storage/copy-up.ts'
import { driverOf } from './driver-of.ts'
import { makeHeld, volumeEvent } from './make.ts'
import type { VolumeRecord } from './record.ts'
import type { VolumesServices } from './services.ts'
import { readVolume, requireVolume, updateVolume } from './store.ts'
import type { VolumeSource } from './volume-driver.ts'
import { withVolume } from './with-volume.ts'

/** How a container uses a volume. */
export interface UseVolumeOptions extends AbortOptions {
  /** The container's id. */
  readonly user: string
  /** The locks that the caller holds. */
  readonly held: readonly string[]
  /** What fills the volume if this is its first use, and whose it is then. */
  readonly fill: Omit<CopyUpRequest, 'target' | 'stage' | 'owner'> & Pick<Required<CopyUpRequest>, 'owner'>
}

/**
 * Makes a volume ready for a container that starts, and tells where it is. The first use fills it, under its lock: others that
 * start with it wait for that, because they are to find it whole.
 */
export async function useVolume(
  services: VolumesServices,
  name: string,
  { user, held, fill, signal }: UseVolumeOptions,
): Promise<VolumeSource> {
  const [source, record] = await withVolume(services, name, { signal, held }, async () => {
    const made = await makeHeld(services, await requireVolume(services, name), { signal })
    const mounted = await step(services.probe, 'volume.mount', () => driverOf(services, made).mount(made, { user, signal }))
    await fillHeld(services, made, mounted, fill, { signal })
    return { result: [mounted, made] as const, isThere: true }
  })
  await services.emit(volumeEvent(record, 'mount', user))
  return source
}

/** Tells a volume that a container does not use it any more. Idempotent. */
export async function letGoOfVolume(services: VolumesServices, name: string, user: string, held: readonly string[]): Promise<void> {
  const record = await withVolume(services, name, { held }, async () => {
    const found = await readVolume(services, name)
    if (found?.made) await step(services.probe, 'volume.unmount', () => driverOf(services, found).unmount(found, { user }))
    return { result: found, isThere: found !== undefined }
  })
  if (record) await services.emit(volumeEvent(record, 'unmount', user))
}

async function fillHeld(
  services: VolumesServices,
  { name, needsCopyUp, needsChown, anonymous }: VolumeRecord,
  source: VolumeSource,
  { owner, ...fill }: UseVolumeOptions['fill'],
  options: AbortOptions,
): Promise<void> {
  if (source.type !== 'folder' || source.stage === undefined) return
  if (!needsChown && !(needsCopyUp && fill.copy)) return
  const { path: target, stage } = source
  const request = { ...fill, target, stage, ...(needsChown ? { owner } : {}) }
  const outcome = await step(services.probe, 'volume.fill', () => services.work.copyUp(request, options))
  // What is remembered for ever must be on the disk; an anonymous volume is not worth the wait.
  if (outcome === 'copied' && !anonymous) await services.work.sync(target)
  const changed = { needsChown: false, needsCopyUp: needsCopyUp && outcome === 'empty' }
  if (changed.needsChown === needsChown && changed.needsCopyUp === needsCopyUp) return
  await step(services.probe, 'volume.filled', () => updateVolume(services, name, (record) => ({ ...record, ...changed })))
}
