import { delimiter, isAbsolute } from 'node:path'

/** What the engine takes from the environment of its process: read once, at `open`. */
export interface EngineEnvironment {
  /** Folders where programs are looked for, besides the usual ones. */
  readonly searchPath: readonly string[]
  readonly home: string | undefined
  readonly xdgConfigHome: string | undefined
  readonly xdgDataHome: string | undefined
  readonly xdgRuntimeDir: string | undefined
  /** The only configuration file to be read, if set. */
  readonly containersConf: string | undefined
  /** A configuration file to be read after all others. */
  readonly containersConfOverride: string | undefined
  /** The file of the registries' configuration, in place of the usual one. */
  readonly registriesConf: string | undefined
  /** The only file with credentials for registries, if set. */
  readonly registryAuthFile: string | undefined
  /** Docker's folder, in place of `~/.docker`. */
  readonly dockerConfig: string | undefined
  /** The proxy variables, as containers are given them. */
  readonly proxies: Readonly<Record<string, string>>
  /** The locale variables, as conmon is given them. */
  readonly locale: Readonly<Record<string, string>>
  /** For tests of this project: the step at which a program is to stop. */
  readonly probe: string | undefined
}

const proxyNames = ['http_proxy', 'https_proxy', 'ftp_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY']

/** Reads the environment. This is the only place that looks at `process.env`. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): EngineEnvironment {
  return {
    searchPath: (env['PATH'] ?? '').split(delimiter).filter((folder) => isAbsolute(folder)),
    home: absolute(env['HOME']),
    xdgConfigHome: absolute(env['XDG_CONFIG_HOME']),
    xdgDataHome: absolute(env['XDG_DATA_HOME']),
    xdgRuntimeDir: absolute(env['XDG_RUNTIME_DIR']),
    containersConf: nonEmpty(env['CONTAINERS_CONF']),
    containersConfOverride: nonEmpty(env['CONTAINERS_CONF_OVERRIDE']),
    registriesConf: nonEmpty(env['CONTAINERS_REGISTRIES_CONF']),
    registryAuthFile: nonEmpty(env['REGISTRY_AUTH_FILE']),
    dockerConfig: absolute(env['DOCKER_CONFIG']),
    proxies: pick(env, (name) => proxyNames.includes(name)),
    locale: pick(env, (name) => name === 'LANG' || name.startsWith('LC_')),
    probe: nonEmpty(env['LIBPOD_TS_PROBE']),
  }
}

/** The whole environment, for programs that are the user's own: those that keep credentials look for their daemons and accounts in it. */
export function wholeEnvironment(): Readonly<Record<string, string>> {
  return pick(process.env, () => true)
}

/** The XDG specification says that a relative path is to be ignored. */
function absolute(value: string | undefined): string | undefined {
  return value !== undefined && isAbsolute(value) ? value : undefined
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}

function pick(env: Readonly<Record<string, string | undefined>>, wanted: (name: string) => boolean): Readonly<Record<string, string>> {
  const picked: Record<string, string> = {}
  for (const name of Object.keys(env).sort()) {
    const value = env[name]
    if (value !== undefined && value !== '' && wanted(name)) picked[name] = value
  }
  return picked
}
