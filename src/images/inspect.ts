import type { AbortOptions } from '../base/abort.ts'
import { readConfig, readManifest } from './documents.ts'
import { historyOf } from './history.ts'
import type { ImageInspect } from './image-info.ts'
import { requireImage, summaryOf } from './record.ts'
import type { ImagesServices } from './services.ts'

/** Everything about an image. */
export async function inspectImage(services: ImagesServices, id: string, { signal }: AbortOptions = {}): Promise<ImageInspect> {
  const record = await requireImage(services, id)
  signal?.throwIfAborted()
  const [manifest, config, users] = await Promise.all([readManifest(services, record), readConfig(services, record), services.usersOf(id)])
  const history = await historyOf(services, record, config, signal)
  const { User, Env, Entrypoint, Cmd, WorkingDir, StopSignal, Volumes, ExposedPorts, OnBuild } = config.config ?? {}
  return {
    ...summaryOf(record),
    mediaType: record.manifest.mediaType,
    configDigest: record.config.digest,
    author: config.author ?? '',
    comment: history[0]?.comment ?? '',
    annotations: manifest.annotations ?? {},
    config: {
      user: User ?? '',
      env: Env ?? [],
      entrypoint: Entrypoint ?? [],
      command: Cmd ?? [],
      workdir: WorkingDir ?? '',
      stopSignal: StopSignal ?? '',
      volumes: Object.keys(Volumes ?? {}),
      exposedPorts: Object.keys(ExposedPorts ?? {}),
      onBuild: OnBuild ?? [],
    },
    layers: record.layers,
    history,
    snapshotter: services.store.snapshots.driver,
    users,
  }
}
