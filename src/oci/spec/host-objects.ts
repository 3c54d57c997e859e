import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { LibpodError } from '../../base/errors.ts'
import { readMounts } from '../../linux/mount-info.ts'
import type { RuntimeDevice } from '../../specs/runtime-spec.ts'
import { type HostDevice, type NormalizedDevices, normalizeDevices, parseDevice } from './devices.ts'
import type { NormalizedMounts } from './mounts.ts'
import { checkNamespacePaths } from './namespace-paths.ts'
import type { JoinableNamespace, NormalizedNamespaces } from './namespaces.ts'
import type { SpecHost } from './spec-host.ts'

/** Things of the host that a container refers to, looked at when it starts. */
export interface HostObjects {
  readonly devices: readonly HostDevice[]
  /** By the source of a bind mount: `nosuid`, `nodev`, `noexec` of the file system it lies on, which the mount in the container must keep. */
  readonly bindFlags: ReadonlyMap<string, readonly string[]>
}

/** What a container has that names nothing on the host. */
export const noHostObjects: HostObjects = { devices: [], bindFlags: new Map() }

const inheritedFlags = ['noexec', 'nosuid', 'nodev']
/** These belong to other mounts of every container. */
const skippedDevices = new Set(['pts', 'shm', 'fd', 'mqueue', 'console', '.lxc', '.lxd-mounts'])

/** Looks at the devices, bind mounts and namespaces of a container. Throws `invalid-argument`, at the option, for what is none, or not there. */
export async function readHostObjects(
  options: NormalizedMounts & NormalizedDevices & Pick<NormalizedNamespaces, JoinableNamespace> & { readonly privileged: boolean },
  host: SpecHost,
): Promise<HostObjects> {
  await checkNamespacePaths(options)
  const binds = options.mounts.map(({ type, source }, index) => ({ type, source, index })).filter(({ type }) => type === 'bind')
  const usual = host.defaults.devices
  if (binds.length === 0 && options.devices.length === 0 && usual.length === 0 && !options.privileged) return noHostObjects
  const [devices, bindFlags] = await Promise.all([readDevices(options, usual), readBindFlags(binds)])
  return { devices, bindFlags }
}

async function readBindFlags(
  binds: readonly { readonly source: string; readonly index: number }[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (binds.length === 0) return new Map()
  const mounts = await readMounts()
  const flags = new Map<string, readonly string[]>()
  for (const { source, index } of binds) {
    const real = await realpath(source).catch((cause: unknown) => {
      throw missing(`mounts[${index}].source`, source, cause)
    })
    const holding = mounts
      .filter(({ mountPoint }) => mountPoint === '/' || real === mountPoint || real.startsWith(`${mountPoint}/`))
      .reduce<(typeof mounts)[number] | undefined>(
        (best, mount) => (best && best.mountPoint.length > mount.mountPoint.length ? best : mount),
        undefined,
      )
    flags.set(
      source,
      inheritedFlags.filter((flag) => holding?.options.includes(flag)),
    )
  }
  return flags
}

async function readDevices(options: NormalizedDevices & { readonly privileged: boolean }, usual: readonly string[]): Promise<HostDevice[]> {
  if (options.privileged) return allDevices('/dev')
  const fromFile = normalizeDevices({ devices: usual.map(parseDevice) }).devices
  const asked = options.devices.map((device, index) => ({ ...device, path: `devices[${index}].source` }))
  const wanted = [...fromFile.map((device) => ({ ...device, path: 'containers.devices' })), ...asked]
  return (await Promise.all(wanted.map(findDevice))).flat()
}

async function findDevice({
  source,
  target,
  permissions,
  path,
}: {
  readonly source: string
  readonly target: string
  readonly permissions: string
  readonly path: string
}): Promise<HostDevice[]> {
  const real = await realpath(source).catch((cause: unknown) => {
    throw missing(path, source, cause)
  })
  if ((await stat(real)).isDirectory()) {
    const inside = await allDevices(real)
    if (inside.length === 0) throw notADevice(path, source)
    return inside.map(({ source: path, device }) => ({
      source: path,
      device: { ...device, path: join(target, posix.relative(real, path)) },
      permissions,
    }))
  }
  const device = await deviceAt(real)
  if (device === undefined) throw notADevice(path, source)
  return [{ source: real, device: { ...device, path: target }, permissions }]
}

async function allDevices(folder: string): Promise<HostDevice[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const found = await Promise.all(
    entries
      .filter((entry) => !skippedDevices.has(entry.name) && !entry.isSymbolicLink())
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(async (entry): Promise<HostDevice[]> => {
        const path = join(folder, entry.name)
        if (entry.isDirectory()) return allDevices(path)
        const device = await deviceAt(path)
        return device === undefined ? [] : [{ source: path, device, permissions: 'rwm' }]
      }),
  )
  return found.flat()
}

/** `undefined` for what is no device, or went away meanwhile. */
async function deviceAt(path: string): Promise<RuntimeDevice | undefined> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return undefined
  const type = found.isCharacterDevice() ? 'c' : found.isBlockDevice() ? 'b' : found.isFIFO() ? 'p' : undefined
  if (type === undefined) return undefined
  const { major, minor } = deviceNumber(found.rdev)
  return { path, type, major, minor, fileMode: found.mode, uid: found.uid, gid: found.gid }
}

/** The kernel's and libc's way to put both numbers into one. */
function deviceNumber(rdev: number): { readonly major: number; readonly minor: number } {
  const bits = BigInt(rdev)
  const major = ((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xfffff000n)
  const minor = (bits & 0xffn) | ((bits >> 12n) & 0xffffff00n)
  return { major: Number(major), minor: Number(minor) }
}

function missing(path: string, source: string, cause: unknown): LibpodError {
  const { code } = cause as NodeJS.ErrnoException
  return new LibpodError(
    'invalid-argument',
    `${path}: ${source} cannot be used (${code ?? 'unknown'}).`,
    { path, value: source },
    { cause, hint: 'It must be there on the host before the container starts.' },
  )
}

function notADevice(path: string, source: string): LibpodError {
  return new LibpodError('invalid-argument', `${path}: ${source} is not a device, nor a folder of devices.`, { path, value: source })
}
