import { LibpodError } from '../../base/errors.ts'
import type { OCIRuntime } from '../../oci/oci-runtime.ts'
import type { ContainersServices } from '../services.ts'

/** The OCI runtime for a new container: the one asked for, or the first that works here. */
export async function chooseRuntime(services: ContainersServices, name: string | undefined): Promise<OCIRuntime> {
  const runtimes = await services.runtimes()
  const chosen = name === undefined ? runtimes[0] : runtimes.find((runtime) => runtime.name === name)
  if (chosen) return chosen
  throw new LibpodError(
    'unavailable',
    `The OCI runtime ${name ?? '(any)'} cannot be used on this host.`,
    { what: name ?? 'an OCI runtime' },
    {
      hint: 'runtime.info() tells which ones are there, and why others were passed over.',
    },
  )
}
