import type { AbortOptions } from '../base/abort.ts'
import { once } from '../base/once.ts'
import type { RegistryCredentials } from './auth-file.ts'
import { type RegistryCertificates, readCertificates, readSystemAuthorities } from './certificates.ts'
import type { EngineEnvironment } from './environment.ts'
import { readCredentials } from './read-credentials.ts'
import { readRegistriesConf } from './read-registries-conf.ts'
import type { RegistriesConf } from './registries-conf.ts'

/** All that the machine says about registries. Nothing is read before it is needed. */
export interface RegistryAccess {
  /** `registries.conf`: read once. */
  rules(): Promise<RegistriesConf>
  /** Who one is to a repository, `host/path`. */
  credentials(repository: string, options?: AbortOptions): Promise<RegistryCredentials | undefined>
  /** What is known of the TLS of a registry, `host[:port]`. */
  certificates(registry: string): Promise<RegistryCertificates | undefined>
  /** The authorities that this machine trusts, in PEM; `undefined` if it does not say. Read once. */
  systemAuthorities(): Promise<string | undefined>
  /** The proxy variables. */
  readonly proxies: Readonly<Record<string, string>>
}

/** What the machine says to this process; `base` is where `etc` and `run` are looked for. */
export function registryAccess({
  environment,
  uid,
  base = '/',
}: {
  readonly environment: EngineEnvironment
  readonly uid: number
  readonly base?: string
}): RegistryAccess {
  return {
    rules: once(() => readRegistriesConf(environment, base)),
    credentials: (repository, { signal } = {}) => readCredentials(repository, { environment, uid, base }, signal),
    certificates: (registry) => readCertificates(registry, environment, base),
    systemAuthorities: once(() => readSystemAuthorities(base)),
    proxies: environment.proxies,
  }
}
