import type { AbortOptions } from '../base/abort.ts'
import type { Logger } from '../base/logger.ts'
import { lazySchema } from '../base/schema.ts'
import type { Probe } from '../base/steps.ts'
import type { StateStore } from '../state/state-store.ts'
import type { VolumeDriver } from '../volumes/volume-driver.ts'

/**
 * A state store to be opened by the engine: a built-in one by its name, or an implementation of your own. One of your own cannot
 * be opened by the clean-up program, so what happens while no engine is open is then recorded by the next `Runtime.open`.
 *
 * @public
 */
export type StateOption = 'lmdb' | 'file' | 'memory' | StateStoreDriver

/** An implementation of {@link StateStore}, to be opened for a root. @public */
export interface StateStoreDriver {
  /** Pinned in the root: another driver is refused there. Letters, digits, `_`, `.` and `-`. */
  readonly name: string
  /** Opens the store in a folder of its own. */
  open(directory: string): Promise<StateStore>
}

/** Options of {@link Runtime.open}. All are optional. @public */
export interface RuntimeOptions extends AbortOptions {
  /** Where images, containers and state are kept, on disk: `/var/lib/libpod-ts`. An absolute path. */
  readonly root?: string | undefined
  /** What need not survive a reboot, best on tmpfs: `/run/libpod-ts`. An absolute path, and another for each root. */
  readonly runRoot?: string | undefined
  /**
   * The store of the engine's state: `lmdb`. With `memory` it is forgotten when the runtime closes, and containers that run then are
   * nobody's any more: it is for those that go with their maker, of `run()` and `ephemeral()`.
   */
  readonly state?: StateOption | undefined
  /** Which OCI runtimes to use. */
  readonly oci?: OCIOption | undefined
  /** The monitor. */
  readonly monitor?: { readonly conmonPath?: string | undefined } | undefined
  /** How images are stored. */
  readonly images?: { readonly snapshotter?: 'overlay' | 'vfs' | undefined } | undefined
  /** Drivers of volumes besides `local`. The clean-up program does not have them: what it cannot do, the next `Runtime.open` does. */
  readonly volumes?: { readonly drivers?: readonly VolumeDriver[] | undefined } | undefined
  /** Where the engine tells what it could not report to a caller; nowhere if not given. `console` and pino fit. */
  readonly logger?: Logger | undefined
  /** Do what must be done once for a root (record exits, restart, clean up) when no other engine does: `true`. */
  readonly serve?: boolean | undefined
  /** Where this package's helper programs lie, for hosts that are bundled into one file: copy `dist/helpers` and name it here. */
  readonly helpersDir?: string | undefined
}

/** Which OCI runtimes an engine uses. @public */
export interface OCIOption {
  /** The one for containers that ask for none: the first that works on this host, crun before runc. */
  readonly runtime?: string | undefined
  /** Further runtimes, or other paths: name to absolute path. */
  readonly runtimes?: Readonly<Record<string, string>> | undefined
  /** The seccomp profile; the distribution's if not given. */
  readonly seccompProfile?: string | undefined
  /** Who makes cgroups: found out by looking if not given. */
  readonly cgroupManager?: 'cgroupfs' | 'systemd' | undefined
}

/** Under this key tests hand in what the public options do not have. */
export const internals: unique symbol = Symbol.for('libpod-ts.internals')

/** What tests, the clean-up program and nobody else hands in. */
export interface InternalOptions {
  readonly [internals]?: {
    readonly probe?: Probe
    /** This is the clean-up program: what calls for it is there already. */
    readonly isCleanup?: boolean
    /** Whose root it is, for who may be inside of a user namespace. */
    readonly uid?: number
    /** The duty lock is held already, by this descriptor. */
    readonly dutyFd?: number
    /** So long a registry may say nothing. */
    readonly stallMs?: number
  }
}

const absolute = 'must be an absolute path'

const schema = lazySchema((z) =>
  z.strictObject({
    root: z.string().startsWith('/', absolute).optional(),
    runRoot: z.string().startsWith('/', absolute).optional(),
    state: z
      .union([
        z.enum(['lmdb', 'file', 'memory']),
        z.custom<StateStoreDriver>(isDriver, 'must be lmdb, file, memory or a driver with a name and open()'),
      ])
      .optional(),
    oci: z
      .strictObject({
        runtime: z.string().min(1).optional(),
        runtimes: z.record(z.string().min(1), z.string().startsWith('/', absolute)).optional(),
        seccompProfile: z.string().startsWith('/', absolute).optional(),
        cgroupManager: z.enum(['cgroupfs', 'systemd']).optional(),
      })
      .optional(),
    monitor: z.strictObject({ conmonPath: z.string().startsWith('/', absolute).optional() }).optional(),
    images: z.strictObject({ snapshotter: z.enum(['overlay', 'vfs']).optional() }).optional(),
    volumes: z
      .strictObject({
        drivers: z.array(z.custom<VolumeDriver>(isVolumeDriver, 'must be a driver with a name and its five methods')).optional(),
      })
      .optional(),
    logger: z.custom<Logger>(isLogger, 'must have debug, warn and error').optional(),
    serve: z.boolean().optional(),
    helpersDir: z.string().startsWith('/', absolute).optional(),
    signal: z.instanceof(AbortSignal).optional(),
  }),
)

function isDriver(value: unknown): boolean {
  return hasMethods(value, ['open']) && hasName(value)
}

function isVolumeDriver(value: unknown): boolean {
  return hasMethods(value, ['create', 'remove', 'mount', 'unmount', 'usage']) && hasName(value)
}

/** It is stored with what the driver has made. */
function hasName(value: object): boolean {
  const name: unknown = Reflect.get(value, 'name')
  return typeof name === 'string' && /^[\w.-]+$/.test(name)
}

function isLogger(value: unknown): boolean {
  return hasMethods(value, ['debug', 'warn', 'error'])
}

function hasMethods(value: unknown, names: readonly string[]): value is object {
  return typeof value === 'object' && value !== null && names.every((name) => typeof Reflect.get(value, name) === 'function')
}

/**
 * Checks the options. zod takes a tenth of a second to load, which an `open` without options must not pay: the shape is
 * checked only when something was given that can be wrong.
 */
export async function checkRuntimeOptions(options: RuntimeOptions & InternalOptions): Promise<void> {
  const simple =
    Object(options) === options &&
    Object.entries(options).every(([key, value]) => value === undefined || ((key === 'root' || key === 'runRoot') && isAbsolutePath(value)))
  if (!simple) await schema.parse(options)
}

function isAbsolutePath(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('/') && !value.includes('\0')
}
