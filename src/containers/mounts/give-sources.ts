import type { BigIntStats } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { AbortOptions } from '../../base/abort.ts'
import { isLibpodError, LibpodError } from '../../base/errors.ts'
import type { PlannedMount } from '../../oci/monitor.ts'
import { type Accounts, resolveUser } from '../../oci/spec/user.ts'
import type { ContainerPlaces } from '../places.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'

/** What giving sources away needs of the services. */
export interface GiveSourcesServices {
  readonly places: ContainerPlaces
  readonly volumes: { readonly work: Pick<ContainersServices['volumes']['work'], 'chown'> }
}

/** What is given, and to whom. */
export interface GiveSourcesOptions extends AbortOptions {
  readonly accounts: Accounts
  /** Where the volumes are, by their targets, and which of these places are mounts that only the container will see. */
  readonly sources: ReadonlyMap<string, string>
  readonly planned: readonly Pick<PlannedMount, 'target'>[]
}

/**
 * The option `U`: what is mounted belongs to the container's user from now on. Throws `invalid-argument`, at the option, for what the
 * host, a user of it or this engine cannot do without.
 */
export async function giveSources(
  services: GiveSourcesServices,
  { options }: { readonly options: Pick<ContainerRecord['options'], 'mounts' | 'user' | 'groups'> },
  { accounts, sources, planned, signal }: GiveSourcesOptions,
): Promise<void> {
  for (const [index, mount] of options.mounts.entries()) {
    if (!mount.options.includes('U')) continue
    const source = mount.type === 'bind' ? mount.source : sources.get(mount.target)
    if (source === undefined) continue
    const path = `mounts[${index}].options`
    if (planned.some(({ target }) => target === source)) throw noFolder(path, mount.source)
    if (await holdsEngine(services.places, source)) throw notGiven(path, source)
    const owner = resolveUser(options, accounts)
    try {
      await services.volumes.work.chown(source, owner, { signal })
    } catch (error) {
      throw isLibpodError(error, 'invalid-argument') ? notGiven(path, source, error) : error
    }
  }
}

/** Whether something is a folder of the engine's own, or one around it, by whatever name or mount. */
async function holdsEngine({ root, runRoot }: ContainerPlaces, source: string): Promise<boolean> {
  const given = await statOf(source)
  if (given === undefined) return false
  for (const place of [root, runRoot]) {
    for (let folder = await realpath(place); ; folder = dirname(folder)) {
      const own = await statOf(folder)
      if (own?.dev === given.dev && own.ino === given.ino) return true
      if (folder === dirname(folder)) break
    }
  }
  return false
}

/** Of what is not there the runtime will tell; and where this process may not look, none of the engine's folders is. */
async function statOf(path: string): Promise<BigIntStats | undefined> {
  return stat(path, { bigint: true }).catch(() => undefined)
}

function notGiven(path: string, source: string, cause?: unknown): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `${path}: "U" would give ${source} to the container's user, but the host, one of its users or this engine cannot do without it.`,
    { path, value: source },
    { hint: 'Mount a folder that is for the container alone, or leave "U" out.', ...(cause === undefined ? {} : { cause }) },
  )
}

function noFolder(path: string, volume: string): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `${path}: "U" is for folders of the host, and volume ${volume} is a mount that its driver gave.`,
    { path, value: 'U' },
    { hint: 'Leave it out, and let the driver see to the owner.' },
  )
}
