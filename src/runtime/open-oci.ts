import { join } from 'node:path'
import { Background } from '../base/background.ts'
import { LibpodError } from '../base/errors.ts'
import { once } from '../base/once.ts'
import type { EngineConfig } from '../config/engine-config.ts'
import { Ephemerals } from '../containers/ephemerals.ts'
import type { ContainersServices } from '../containers/services.ts'
import { delegatedControllers } from '../linux/cgroups/delegation.ts'
import { detectCgroups, withoutUnified } from '../linux/cgroups/detect.ts'
import type { Helper } from '../linux/helper/helper.ts'
import { hostFacts } from '../linux/host-facts.ts'
import { findProgram, firstProgram, programDirectories } from '../linux/process/find-program.ts'
import { seccompBpf } from '../linux/seccomp.ts'
import type { IdMappings } from '../linux/user-namespace/subordinate-ids.ts'
import { gracePeriods } from '../oci/grace-period.ts'
import { conmonVersion } from '../oci/monitors/conmon/version.ts'
import { monitorCgroup } from '../oci/monitors/monitor-cgroups.ts'
import { type DetectedRuntimes, detectRuntimes } from '../oci/runtimes/detect.ts'
import { readSpecHost } from '../oci/spec/read-spec-host.ts'
import type { RuntimeSeccomp } from '../specs/runtime-spec.ts'
import { builtInLogDrivers, builtInMonitors } from './defaults.ts'
import { exitScriptPath } from './exit-script.ts'
import type { RuntimeOptions } from './options.ts'

/** The part of the containers' services that has to do with the OCI. */
type OciServices = Pick<
  ContainersServices,
  | 'runtimes'
  | 'monitors'
  | 'direct'
  | 'logDrivers'
  | 'host'
  | 'cgroups'
  | 'facts'
  | 'exitCommand'
  | 'compileSeccomp'
  | 'ephemerals'
  | 'background'
  | 'accounts'
  | 'monitorCgroup'
  | 'beginGracePeriod'
>

/** What was opened. Nothing is looked for before it is needed. */
export interface OpenedOci {
  readonly services: OciServices
  detected(): Promise<DetectedRuntimes>
  conmon(): Promise<{ readonly path: string; readonly version: string }>
  close(): Promise<void>
}

export function openOci({
  config,
  options,
  helper,
  prefix,
  mappings,
}: {
  readonly config: EngineConfig
  readonly options: RuntimeOptions
  readonly helper: Helper
  /** What starts programs where containers are; empty where this process is there itself. */
  readonly prefix: readonly string[]
  /** The ids that containers have, for an ordinary user who knows them. */
  readonly mappings: IdMappings | undefined
}): OpenedOci {
  const { runRoot, engine } = config
  const searchPath = [...programDirectories, ...config.environment.searchPath]
  const cgroups = once(async () => (config.rootless ? withoutUnified(await detectCgroups()) : detectCgroups()))
  const facts = once(hostFacts)
  const systemdCgroup = once(async () => {
    const manager = options.oci?.cgroupManager ?? engine.cgroupManager
    // systemd is asked only where it has all controllers: on a v1 tree the runtimes do better without it.
    // An ordinary user has no other way to get any.
    if (config.rootless) return ((await delegated()) ?? []).length > 0
    return manager === undefined ? (await facts()).systemd && (await cgroups()).mode === 'v2' : manager === 'systemd'
  })
  const delegated = once(async () =>
    config.rootless ? delegatedControllers(await cgroups(), config.uid, config.environment.xdgRuntimeDir) : undefined,
  )
  const detected = once(async () =>
    detectRuntimes({
      runRoot,
      preferred: options.oci?.runtime ?? engine.runtime,
      paths: {
        ...engine.runtimes,
        ...Object.fromEntries(Object.entries(options.oci?.runtimes ?? {}).map(([name, path]) => [name, [path]])),
      },
      searchPath,
      env: config.monitorEnv,
      cgroups: await cgroups(),
      prefix: prefix.length === 0 ? undefined : prefix,
    }),
  )
  const conmonPath = once(async () => findConmon(options.monitor?.conmonPath, engine.conmonPath, searchPath))
  const conmon = once(async () => ({ path: await conmonPath(), version: await conmonVersion(await conmonPath(), config.monitorEnv) }))
  const filters = new WeakMap<RuntimeSeccomp, Promise<string | undefined>>()
  const { monitors, direct } = builtInMonitors({ helper, conmonPath })
  return {
    detected,
    conmon,
    async close() {
      if (detected.asked) (await detected().catch(() => undefined))?.close()
    },
    services: {
      runtimes: async () => (await detected()).all,
      monitors,
      direct,
      logDrivers: builtInLogDrivers(),
      host: once(async () =>
        readSpecHost({
          config: withSeccompProfile(config, options.oci?.seccompProfile),
          cgroups: await cgroups(),
          systemdCgroup: await systemdCgroup(),
          delegatedControllers: await delegated(),
          mappings,
        }),
      ),
      cgroups,
      facts,
      exitCommand: (id) => ['/bin/sh', exitScriptPath(runRoot), id],
      compileSeccomp(seccomp) {
        const known = filters.get(seccomp)
        if (known) return known
        const compiled = seccompBpf({ profile: seccomp, cacheDir: join(runRoot, 'seccomp') }).then((bpf) => bpf?.toString('base64'))
        filters.set(seccomp, compiled)
        compiled.catch(() => filters.delete(seccomp))
        return compiled
      },
      ephemerals: new Ephemerals(),
      background: new Background(),
      accounts: new Map(),
      monitorCgroup: once(async () =>
        config.rootless ? undefined : monitorCgroup((await systemdCgroup()) && (await cgroups()).mode === 'v2'),
      ),
      beginGracePeriod: gracePeriods(helper, async () => !config.rootless && (await cgroups()).mode !== 'v2'),
    },
  }
}

/** What the caller says goes before what the configuration says. */
function withSeccompProfile(config: EngineConfig, seccompProfile: string | undefined): EngineConfig {
  return seccompProfile === undefined ? config : { ...config, containers: { ...config.containers, seccompProfile } }
}

async function findConmon(given: string | undefined, configured: readonly string[], searchPath: readonly string[]): Promise<string> {
  const path =
    given === undefined ? ((await firstProgram(configured)) ?? (await findProgram('conmon', searchPath))) : await findProgram(given)
  if (path !== undefined) return path
  throw new LibpodError(
    'unavailable',
    given === undefined ? 'conmon, which keeps containers running, is not installed.' : `There is no program ${given}.`,
    { what: given ?? 'conmon', install: 'apt-get install conmon' },
    {
      hint:
        given === undefined
          ? 'Install it: apt-get install conmon, or dnf install conmon.'
          : 'Correct monitor.conmonPath, or leave it out and install conmon: apt-get install conmon, or dnf install conmon.',
    },
  )
}
