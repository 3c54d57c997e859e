import type { ContainersConf } from './containers-conf.ts'
import type { EngineEnvironment } from './environment.ts'

/** All that an engine is told from outside, read once at `open` and frozen. */
export interface EngineConfig extends ContainersConf {
  readonly root: string
  readonly runRoot: string
  readonly uid: number
  /** Not root: user namespaces are needed. */
  readonly rootless: boolean
  readonly environment: EngineEnvironment
  /** The environment of monitors, and so of OCI runtimes. */
  readonly monitorEnv: Readonly<Record<string, string>>
  /** The configuration files that were read, in their order; later ones prevail. */
  readonly files: readonly string[]
}
