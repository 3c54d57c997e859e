import type { PodsServices } from '../services.ts'
import { podSubject, requirePod } from '../store.ts'
import { startPod } from './start.ts'
import { type StopPodOptions, stopPod } from './stop.ts'

/** Stops a pod and starts all of it, in new namespaces. */
export async function restartPod(services: PodsServices, id: string, options: StopPodOptions = {}): Promise<void> {
  await stopPod(services, id, options, { restarts: true })
  await startPod(services, id, { signal: options.signal })
  await services.containers.emit({ ...podSubject(await requirePod(services, id)), action: 'restart' })
}
