import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { EngineEnvironment } from './environment.ts'
import { applyRegistriesConf } from './parse-registries-conf.ts'
import { dropIns } from './read-config.ts'
import { readText } from './read-text.ts'
import { defaultRegistriesConf, type RegistriesConf } from './registries-conf.ts'

/**
 * Reads `registries.conf` and what lies in `registries.conf.d`: a user's own file takes the place of all of the system's. A broken one
 * rejects with `invalid-argument`.
 */
export async function readRegistriesConf(environment: EngineEnvironment, base: string): Promise<RegistriesConf> {
  const { registriesConf } = environment
  let conf = defaultRegistriesConf
  for (const path of await candidates(environment, base)) {
    const text = await readText(path, path === registriesConf ? 'CONTAINERS_REGISTRIES_CONF' : undefined)
    if (text !== undefined) conf = await applyRegistriesConf(conf, path, text)
  }
  return conf
}

async function candidates({ registriesConf, home }: EngineEnvironment, base: string): Promise<readonly string[]> {
  const system = join(base, 'etc/containers/registries.conf')
  const user = home === undefined ? undefined : join(home, '.config/containers/registries.conf')
  const userDropIns = user === undefined ? [] : await dropIns(`${user}.d`)
  if (registriesConf === undefined && user !== undefined && (await isThere(user))) return [user, ...userDropIns]
  return [registriesConf ?? system, ...(await dropIns(`${system}.d`)), ...userDropIns]
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
