import { join } from 'node:path'
import type { AbortOptions } from '../../base/abort.ts'
import { LibpodError } from '../../base/errors.ts'
import { type CgroupHost, detectCgroups } from '../../linux/cgroups/detect.ts'
import { hostFacts } from '../../linux/host-facts.ts'
import { findProgram, firstProgram, isFaultOfProgram, programDirectories } from '../../linux/process/find-program.ts'
import type { OCIRuntime, OCIRuntimeFeatures } from '../oci-runtime.ts'
import { CliRuntime } from './cli.ts'
import { crunFeatures, crunObstacle } from './crun.ts'
import { runcFeatures } from './runc.ts'
import { SealedProgram } from './sealed-program.ts'
import { VersionCache } from './version-cache.ts'

/** Where {@link detectRuntimes} looks, and what for. */
export interface DetectRuntimesOptions extends AbortOptions {
  /** The engine's folder on tmpfs: each runtime keeps its state in `<runRoot>/<name>`. */
  readonly runRoot: string
  /** A name (`crun`, `runc`) or a path, when the caller wants a certain one. */
  readonly preferred?: string | undefined
  /** Paths of programs by name, as `[engine.runtimes]` of containers.conf gives them; first come, first tried. */
  readonly paths?: Readonly<Record<string, readonly string[]>> | undefined
  /** Folders in which programs are looked for. */
  readonly searchPath?: readonly string[] | undefined
  /** The environment of the runtimes. */
  readonly env: Readonly<Record<string, string>>
  /** Looked at anew if not given. */
  readonly cgroups?: CgroupHost | undefined
  /** What starts runtimes where their containers are, in a user namespace: see {@link CliRuntimeOptions}. */
  readonly prefix?: readonly string[] | undefined
  /** Whether AppArmor or SELinux confine programs by their path; looked at if not given. */
  readonly confined?: boolean | undefined
}

/** The runtimes of this host. */
export interface DetectedRuntimes {
  /** The first that works here. */
  readonly runtime: OCIRuntime
  /** All that work here, in order of preference. */
  readonly all: readonly OCIRuntime[]
  /** Those that do not, and why. */
  readonly passedOver: readonly PassedOver[]
  /** Lets go of the copies in memory. The runtimes still work afterwards, but slower. */
  close(): void
}

/** A runtime that is not used. */
export interface PassedOver {
  readonly name: string
  readonly reason: string
}

interface Kind {
  /** What such a program can do, from what it says with `--version`; `undefined` when it is none of this kind. */
  features(versionText: string): OCIRuntimeFeatures | undefined
  obstacle(cgroups: CgroupHost): string | undefined
  /** Whether it gains from running out of a sealed copy in memory. */
  readonly sealed: boolean
}

interface Usable {
  readonly kind: Kind
  readonly features: OCIRuntimeFeatures
}

/** In order of preference. */
const kinds: Readonly<Record<string, Kind>> = {
  crun: { features: crunFeatures, obstacle: crunObstacle, sealed: true },
  runc: { features: runcFeatures, obstacle: () => undefined, sealed: false },
}

/** Finds out, without running a container, which OCI runtimes can work on this host. */
export async function detectRuntimes(options: DetectRuntimesOptions): Promise<DetectedRuntimes> {
  const { runRoot, preferred, env, signal } = options
  const cgroups = options.cgroups ?? (await detectCgroups())
  const confined = options.confined ?? (await isConfined())
  const versions = new VersionCache(join(runRoot, 'oci-runtimes.json'), env)
  const all: OCIRuntime[] = []
  const passedOver: PassedOver[] = []
  const sealed: SealedProgram[] = []
  for (const { name, path } of await candidates(options)) {
    const found = path === undefined ? 'it is not installed' : await look(path, cgroups, versions, { signal })
    if (path === undefined || typeof found === 'string') {
      passedOver.push({ name, reason: String(found) })
      continue
    }
    // A copy in the memory of this process cannot be reached from inside of a user namespace.
    const copy = found.kind.sealed && !confined && options.prefix === undefined ? new SealedProgram(path) : undefined
    if (copy) sealed.push(copy)
    const faster = copy ? { fasterPath: () => copy.path() } : {}
    all.push(new CliRuntime({ name, path, root: join(runRoot, name), features: found.features, env, prefix: options.prefix, ...faster }))
  }
  const wanted = preferred === undefined ? undefined : nameOf(preferred)
  const runtime = wanted === undefined ? all[0] : all.find(({ name }) => name === wanted)
  if (runtime === undefined) throw noRuntime(wanted, passedOver)
  return {
    runtime,
    all: [runtime, ...all.filter((other) => other !== runtime)],
    passedOver,
    close: () => {
      for (const copy of sealed) copy.close()
    },
  }
}

/** Every runtime that is known by name, and where its program is, if it is. */
async function candidates({
  preferred,
  paths = {},
  searchPath = programDirectories,
}: DetectRuntimesOptions): Promise<{ readonly name: string; readonly path: string | undefined }[]> {
  const given = preferred?.includes('/') ? preferred : undefined
  const names = new Set([...(preferred === undefined ? [] : [nameOf(preferred)]), ...Object.keys(kinds)])
  return Promise.all(
    [...names].map(async (name) => {
      if (given !== undefined && name === nameOf(given)) return { name, path: await firstProgram([given]) }
      return { name, path: (await firstProgram(paths[name] ?? [])) ?? (await findProgram(name, searchPath)) }
    }),
  )
}

/** What the program can do here, or why it cannot. */
async function look(path: string, cgroups: CgroupHost, versions: VersionCache, options: AbortOptions): Promise<Usable | string> {
  let text: string | undefined
  try {
    text = await versions.ask(path, options)
  } catch (error) {
    if (isFaultOfProgram(error)) return `${path} cannot be run (${error.code})`
    throw error
  }
  for (const kind of text === undefined ? [] : Object.values(kinds)) {
    const features = kind.features(text ?? '')
    if (features !== undefined) return kind.obstacle(cgroups) ?? { kind, features }
  }
  return `${path} --version does not tell that it is crun or runc`
}

/** A path stands for the program it ends in: what is pinned in records is a name. */
function nameOf(preferred: string): string {
  return preferred.slice(preferred.lastIndexOf('/') + 1)
}

async function isConfined(): Promise<boolean> {
  const { selinux, apparmor } = await hostFacts()
  return selinux || apparmor
}

function noRuntime(wanted: string | undefined, passedOver: readonly PassedOver[]): LibpodError {
  const reasons = passedOver.map(({ name, reason }) => `${name}: ${reason}`).join('; ')
  return new LibpodError(
    'unavailable',
    `${wanted === undefined ? 'No OCI runtime can' : `The OCI runtime ${wanted} cannot`} be used on this host (${reasons}).`,
    { what: wanted ?? 'an OCI runtime', install: 'apt-get install crun runc' },
    { hint: 'Install one: apt-get install crun runc, or dnf install crun runc.' },
  )
}
