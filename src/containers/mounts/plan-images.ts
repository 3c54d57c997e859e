import { isLibpodError, LibpodError } from '../../base/errors.ts'
import type { NormalizedMount } from '../../oci/spec/mount.ts'
import type { ImageRecord } from '../../storage/image-store.ts'
import type { MountedImage } from '../record.ts'
import type { ContainersServices } from '../services.ts'

/** Finds the images among the mounts, with their layers extracted. */
export async function planImageMounts(
  services: ContainersServices,
  mounts: readonly NormalizedMount[],
  container: string,
): Promise<readonly MountedImage[]> {
  const images: MountedImage[] = []
  for (const [index, { type, source, target, options }] of mounts.entries()) {
    if (type !== 'image') continue
    const { id, topChainId } = await findImage(services, source, `mounts[${index}].source`)
    images.push({
      target,
      id,
      ...(topChainId === undefined ? {} : { chainId: topChainId }),
      ...(options.includes('ro') ? {} : { snapshot: imageSnapshotOf(container, index) }),
    })
  }
  return images
}

async function findImage(services: ContainersServices, reference: string, path: string): Promise<ImageRecord> {
  try {
    return await services.image(reference)
  } catch (error) {
    if (!isLibpodError(error, 'invalid-argument')) throw error
    throw new LibpodError(
      'invalid-argument',
      `${path}: ${reference} is not the name of an image.`,
      { path, value: reference },
      { cause: error },
    )
  }
}

/** The name of the snapshot that keeps what a container writes to an image it has mounted. */
function imageSnapshotOf(container: string, index: number): string {
  return `${container}-${index}`
}

/** The container that a snapshot belongs to, if it has the name of one that can belong to one. */
export function containerOfSnapshot(name: string): string | undefined {
  return /^([0-9a-f]{64})(-\d+)?$/.exec(name)?.[1]
}
