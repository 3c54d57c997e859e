import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isLibpodError } from '../base/errors.ts'
import { bundleOf, exitsDirOf } from '../containers/places.ts'
import type { ContainersServices } from '../containers/services.ts'
import { unlinkIfThere } from '../linux/fs/unlink.ts'

/** The exit file of a container that is gone: what its runtimes still keep of it goes too. */
export async function sweepExit(services: ContainersServices, id: string): Promise<void> {
  const file = join(exitsDirOf(services.places), id)
  const left = await stat(file).then(
    () => true,
    () => false,
  )
  if (!left || (await services.registry.get('container', id)) !== undefined) return
  for (const runtime of await services.runtimes()) {
    await runtime.delete(id, { force: true }).catch((error: unknown) => {
      if (!isLibpodError(error)) throw error
    })
  }
  await services.snapshots.remove(id)
  await rm(bundleOf(services.places, id), { recursive: true, force: true })
  await unlinkIfThere(file)
}
