import { join } from 'node:path'
import { type AuthFile, credentialsIn, parseAuthFile, type RegistryCredentials } from './auth-file.ts'
import { askCredentialHelper, type HelperPrograms } from './credential-helper.ts'
import { type EngineEnvironment, wholeEnvironment } from './environment.ts'
import { readText } from './read-text.ts'

/** What credentials are looked for with. */
export interface CredentialPlaces {
  readonly environment: EngineEnvironment
  readonly uid: number
  /** Where `run/containers` is looked for. */
  readonly base: string
}

/** The key of Docker Hub where a credential helper is asked. */
const helperKeys: Readonly<Record<string, string>> = { 'docker.io': 'https://index.docker.io/v1/' }

/**
 * The credentials for a repository (`host/path`), from the files that Podman and Docker write when somebody logs in: read each time,
 * because somebody may have logged in since. Rejects with `invalid-argument` for a broken file.
 */
export async function readCredentials(
  repository: string,
  places: CredentialPlaces,
  signal?: AbortSignal,
): Promise<RegistryCredentials | undefined> {
  const { registryAuthFile, searchPath } = places.environment
  const [host = ''] = repository.split('/')
  for (const path of authFiles(places)) {
    const text = await readText(path, path === registryAuthFile ? 'REGISTRY_AUTH_FILE' : undefined)
    if (text === undefined) continue
    const found = await lookInto(parseAuthFile(path, text), repository, host, { searchPath, env: wholeEnvironment(), signal })
    if (found) return found
  }
  return undefined
}

async function lookInto(
  file: AuthFile,
  repository: string,
  host: string,
  programs: HelperPrograms,
): Promise<RegistryCredentials | undefined> {
  const helper = Object.hasOwn(file.helpers, host) ? file.helpers[host] : undefined
  const key = helperKeys[host] ?? host
  if (helper !== undefined) return askCredentialHelper(helper, helper === file.store ? key : host, programs)
  return credentialsIn(file, repository) ?? (file.store === undefined ? undefined : askCredentialHelper(file.store, key, programs))
}

/** In Podman's order; the first that knows a registry is believed. */
function authFiles({ environment, uid, base }: CredentialPlaces): readonly string[] {
  const { registryAuthFile, xdgRuntimeDir, xdgConfigHome, home, dockerConfig } = environment
  if (registryAuthFile !== undefined) return [registryAuthFile]
  const runtime = xdgRuntimeDir === undefined ? join(base, `run/containers/${uid}`) : join(xdgRuntimeDir, 'containers')
  const config = xdgConfigHome ?? (home === undefined ? undefined : join(home, '.config'))
  const docker = dockerConfig ?? (home === undefined ? undefined : join(home, '.docker'))
  return [
    join(runtime, 'auth.json'),
    ...(config === undefined ? [] : [join(config, 'containers/auth.json')]),
    ...(docker === undefined ? [] : [join(docker, 'config.json')]),
  ]
}
