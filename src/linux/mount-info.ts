import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

/** One line of `/proc/<pid>/mountinfo`. */
export interface MountInfo {
  readonly id: number
  readonly parentId: number
  /** `major:minor` of the file system. */
  readonly device: string
  /** The part of the file system that is mounted, `/` for all of it. */
  readonly root: string
  readonly mountPoint: string
  /** Options of this mount: `rw`, `nosuid`, `relatime`, … */
  readonly options: readonly string[]
  /** `shared:N`, `master:N`, `propagate_from:N`, `unbindable`. */
  readonly propagation: readonly string[]
  readonly type: string
  readonly source: string
  /** Options of the file system. */
  readonly superOptions: readonly string[]
}

/** The mounts that a process sees, in the order they were made. */
export async function readMounts(pid: number | 'self' = 'self'): Promise<MountInfo[]> {
  return parseMountInfo(await readFile(`/proc/${pid}/mountinfo`, 'utf8'))
}

/** The same without a turn of the event loop, for the helper process. */
export function readMountsSync(pid: number | 'self' = 'self'): MountInfo[] {
  return parseMountInfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'))
}

export function parseMountInfo(text: string): MountInfo[] {
  const mounts: MountInfo[] = []
  for (const line of text.split('\n')) {
    const mount = parseLine(line)
    if (mount) mounts.push(mount)
  }
  return mounts
}

/** The topmost of the mounts made exactly at `path`. */
export function mountAt(mounts: readonly MountInfo[], path: string): MountInfo | undefined {
  return mounts.findLast((mount) => mount.mountPoint === path)
}

/** The mounts made below `path`, without one at `path` itself. */
export function mountsBelow(mounts: readonly MountInfo[], path: string): MountInfo[] {
  const prefix = path.endsWith('/') ? path : `${path}/`
  return mounts.filter((mount) => mount.mountPoint.startsWith(prefix) && mount.mountPoint !== path)
}

/** The mount that a path lies on, without a link in it. */
export function mountHolding(mounts: readonly MountInfo[], path: string): MountInfo | undefined {
  return mounts
    .filter(({ mountPoint }) => mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`))
    .reduce<MountInfo | undefined>((best, mount) => (best && best.mountPoint.length > mount.mountPoint.length ? best : mount), undefined)
}

function parseLine(line: string): MountInfo | undefined {
  const fields = line.split(' ')
  // The number of propagation fields varies; a single hyphen ends them.
  const hyphen = fields.indexOf('-', 6)
  const [id, parentId, device, root, mountPoint, options] = fields
  if (hyphen < 0 || root === undefined || mountPoint === undefined || options === undefined) return undefined
  return {
    id: Number(id),
    parentId: Number(parentId),
    device: device ?? '',
    root: unescapeOctal(root),
    mountPoint: unescapeOctal(mountPoint),
    options: options.split(','),
    propagation: fields.slice(6, hyphen),
    type: unescapeOctal(fields[hyphen + 1] ?? ''),
    source: unescapeOctal(fields[hyphen + 2] ?? ''),
    superOptions: unescapeOctal(fields[hyphen + 3] ?? '').split(','),
  }
}

/** The kernel writes space, tab, newline, backslash and `#` as a backslash and three octal digits. */
function unescapeOctal(text: string): string {
  return text.includes('\\') ? text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))) : text
}
