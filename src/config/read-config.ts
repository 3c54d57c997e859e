import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type ContainersConf, defaultContainersConf } from './containers-conf.ts'
import type { EngineConfig } from './engine-config.ts'
import { type EngineEnvironment, readEnvironment } from './environment.ts'
import { applyContainersConf } from './parse-containers-conf.ts'
import { defaultPaths } from './paths.ts'
import { readText } from './read-text.ts'

/** What `open` is told, and what tests put in the place of the machine's own. */
export interface ReadConfigOptions {
  readonly root?: string | undefined
  readonly runRoot?: string | undefined
  readonly environment?: EngineEnvironment | undefined
  readonly uid?: number | undefined
  /** Where `usr/share/containers` and `etc/containers` are looked for. */
  readonly base?: string | undefined
}

const programFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/**
 * Reads the configuration files and the environment. Missing files are fine; a broken one rejects with `invalid-argument`
 * at `file:line`.
 */
export async function readConfig(options: ReadConfigOptions = {}): Promise<EngineConfig> {
  const environment = options.environment ?? readEnvironment()
  const uid = options.uid ?? process.geteuid?.() ?? 0
  const rootless = uid !== 0
  const { conf, files } = await readFiles(await candidates(environment, rootless, options.base ?? '/'), environment)
  const places = options.root === undefined || options.runRoot === undefined ? defaultPaths(uid, environment) : undefined
  const root = options.root ?? places?.root ?? ''
  const runRoot = options.runRoot ?? places?.runRoot ?? ''
  return freeze({ ...conf, root, runRoot, uid, rootless, environment, monitorEnv: monitorEnv(environment, conf), files })
}

/** The files that may be there, in the order they are read. */
async function candidates(
  { containersConf, containersConfOverride, ...env }: EngineEnvironment,
  rootless: boolean,
  base: string,
): Promise<string[]> {
  const last = containersConfOverride === undefined ? [] : [containersConfOverride]
  if (containersConf !== undefined) return [containersConf, ...last]
  const system = join(base, 'etc/containers/containers.conf')
  const files = [join(base, 'usr/share/containers/containers.conf'), system, ...(await dropIns(`${system}.d`))]
  const userFolder = env.xdgConfigHome ?? (env.home === undefined ? undefined : join(env.home, '.config'))
  if (rootless && userFolder !== undefined) {
    const user = join(userFolder, 'containers/containers.conf')
    files.push(user, ...(await dropIns(`${user}.d`)))
  }
  return [...files, ...last]
}

/** The files of a `.d` folder, in their order. */
export async function dropIns(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names
    .filter((name) => name.endsWith('.conf'))
    .sort()
    .map((name) => join(folder, name))
}

async function readFiles(paths: readonly string[], environment: EngineEnvironment): Promise<{ conf: ContainersConf; files: string[] }> {
  const named = new Set([environment.containersConf, environment.containersConfOverride])
  const texts = await Promise.all(
    paths.map((path) => readText(path, named.has(path) ? 'CONTAINERS_CONF or CONTAINERS_CONF_OVERRIDE' : undefined)),
  )
  let conf = defaultContainersConf
  const files: string[] = []
  for (const [index, file] of paths.entries()) {
    const text = texts[index]
    if (text === undefined) continue
    conf = await applyContainersConf(conf, file, text)
    files.push(file)
  }
  return { conf, files }
}

/** conmon and the runtimes get only what they need, never the host application's secrets. */
function monitorEnv(
  { searchPath, home, xdgRuntimeDir, locale }: EngineEnvironment,
  { engine }: ContainersConf,
): Readonly<Record<string, string>> {
  return {
    PATH: [...new Set([...searchPath, ...programFolders])].join(':'),
    HOME: home ?? '/',
    ...(xdgRuntimeDir === undefined ? {} : { XDG_RUNTIME_DIR: xdgRuntimeDir }),
    ...locale,
    ...engine.conmonEnv,
  }
}

function freeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null && !Object.isFrozen(inner)) freeze(inner)
  return Object.freeze(value)
}
