import type { Dirent } from 'node:fs'
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { LibpodError } from '../../base/errors.ts'
import { isErrno } from '../../linux/errno.ts'
import { mountHolding, readMounts } from '../../linux/mount-info.ts'
import type { RuntimeDevice } from '../../specs/runtime-spec.ts'
import { type HostDevice, type NormalizedDevices, normalizeDevices, parseDevice } from './devices.ts'
import { unusableSource } from './unusable-source.ts'

/** These belong to other mounts of every container, or have no devices, and thousands of files. */
const skippedDevices = new Set(['pts', 'shm', 'fd', 'mqueue', 'console', '.lxc', '.lxd-mounts', 'hugepages'])

/** Far more than the largest machines have, links to devices among them. */
const mostEntries = 65_536
/** Somebody may keep his devices elsewhere; but elsewhere a folder is one of anything, and `/` the whole host. */
const fewEntries = 1_000

/** Looks at the devices of a container: those that its options name, and the `usual` ones of containers.conf; all there are for a privileged one. */
export async function readDevices(
  options: NormalizedDevices & { readonly privileged: boolean },
  usual: readonly string[],
): Promise<HostDevice[]> {
  if (options.privileged) return devicesIn('/dev', 'privileged')
  const fromFile = normalizeDevices({ devices: usual.map(parseDevice) }).devices
  const asked = options.devices.map((device, index) => ({ ...device, path: `devices[${index}].source` }))
  const found: HostDevice[] = []
  for (const wanted of [...fromFile.map((device) => ({ ...device, path: 'containers.devices' })), ...asked])
    found.push(...(await findDevice(wanted)))
  return found
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
    throw unusableSource(path, source, cause)
  })
  const isFolder = await stat(real).then(
    (found) => found.isDirectory(),
    (cause: unknown) => {
      throw unusableSource(path, source, cause)
    },
  )
  if (isFolder) {
    const inside = await devicesIn(real, path, (await isPlaceOfDevices(real)) ? mostEntries : fewEntries)
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

async function isPlaceOfDevices(folder: string): Promise<boolean> {
  return folder === '/dev' || folder.startsWith('/dev/') || mountHolding(await readMounts(), folder)?.type === 'devtmpfs'
}

/**
 * All devices in a folder and below it, for the option at `path`. One folder is read after the other, and only so many entries: whoever can
 * write into one below `/dev` could fill this process otherwise.
 */
export async function devicesIn(folder: string, path: string, most = mostEntries): Promise<HostDevice[]> {
  const found: HostDevice[] = []
  let seen = 0
  const walk = async (inside: string): Promise<void> => {
    const entries = await entriesOf(inside, inside === folder, path)
    seen += entries.length
    if (seen > most) throw tooMany(path, folder, most)
    for (const entry of entries) {
      const at = join(inside, entry.name)
      if (skippedDevices.has(entry.name) || entry.isSymbolicLink()) continue
      if (entry.isDirectory()) {
        await walk(at)
        continue
      }
      const device = await deviceAt(at)
      if (device !== undefined) found.push({ source: at, device, permissions: 'rwm' })
    }
  }
  await walk(folder)
  return found
}

/**
 * In their order. A folder that went away meanwhile, as those of devices that are unplugged do, has none, nor has one that may not be looked
 * into; the one that was asked for has to be there.
 */
async function entriesOf(folder: string, isTop: boolean, path: string): Promise<readonly Dirent[]> {
  try {
    return (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if (!isTop && isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return []
    throw unusableSource(path, folder, error)
  }
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

function notADevice(path: string, source: string): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `${path}: ${source} is not a device, nor a folder of devices.`,
    { path, value: source },
    { hint: 'Name a device, or a folder of /dev that has some.' },
  )
}

function tooMany(path: string, folder: string, most: number): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `${path}: ${folder} has more than ${most} entries.`,
    { path, value: folder },
    { hint: 'Name the devices one by one, or a smaller folder.' },
  )
}
