import { releaseVolumes } from '../mounts/release-volumes.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'

/**
 * Gives back what a container has only while it has processes: its volumes. The caller holds the container's lock. Idempotent:
 * after a run, after a start that failed, and for the recovery of either.
 */
export async function releaseParts(services: ContainersServices, record: ContainerRecord): Promise<void> {
  await releaseVolumes(services, record)
}
