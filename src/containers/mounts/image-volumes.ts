import { LibpodError } from '../../base/errors.ts'
import { type ContainerMount, normalPath } from '../../oci/spec/mount.ts'
import type { MountsOptions } from '../../oci/spec/mounts.ts'

/** The mounts of the caller, and those for the places that the image declares as volumes. */
export function withImageVolumes(
  { mounts = [], imageVolumes = 'anonymous' }: MountsOptions,
  declared: readonly string[],
): readonly ContainerMount[] {
  if (declared.length === 0 || imageVolumes === 'ignore') return mounts
  const taken = new Set(mounts.map(({ target }) => normalPath(target)))
  const targets = new Set(declared.map(targetOf))
  const type = imageVolumes === 'tmpfs' ? 'tmpfs' : 'volume'
  return [...mounts, ...[...targets].filter((target) => !taken.has(target)).map((target): ContainerMount => ({ type, target }))]
}

/** As Docker and the OCI runtimes take it, a relative path begins at the root. */
function targetOf(volume: string): string {
  const target = normalPath(`/${volume}`)
  if (target !== '/' && !target.includes('\0')) return target
  throw new LibpodError(
    'invalid-argument',
    `image: it declares a volume at ${JSON.stringify(volume)}, where nothing can be mounted.`,
    { path: 'image', value: volume },
    { hint: "Run it with imageVolumes: 'ignore'." },
  )
}
