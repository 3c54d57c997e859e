import type { AcquireOptions } from '../locks/lock-manager.ts'
import type { VolumesServices } from './services.ts'

/** Holds a volume's lock for some work, which tells whether the volume is there afterwards: if not, its lock goes too. */
export async function withVolume<Result>(
  { locks }: Pick<VolumesServices, 'locks'>,
  name: string,
  options: AcquireOptions,
  work: () => Promise<{ readonly result: Result; readonly isThere: boolean }>,
): Promise<Result> {
  const release = await locks.acquire(`volume/${name}`, options)
  let isThere = true
  try {
    const done = await work()
    isThere = done.isThere
    return done.result
  } finally {
    await release({ remove: !isThere })
  }
}
