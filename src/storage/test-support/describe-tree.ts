import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { getXattr, listXattrs } from '../../linux/xattr.ts'

/** What tests compare trees by: one text for each file, with all that a layer keeps of it. */
export type DescribedTree = Readonly<Record<string, string>>

/** Options of {@link describeTree}. */
export interface DescribeTreeOptions {
  /** Attributes that count; default all. */
  readonly xattrs?: (name: string) => boolean
  /** Default true. */
  readonly times?: boolean
}

/** Describes everything in a tree, its top as `.`. */
export function describeTree(root: string, { xattrs = () => true, times = true }: DescribeTreeOptions = {}): DescribedTree {
  const described: Record<string, string> = {}
  const firstNames = new Map<bigint, string>()
  const visit = (path: Buffer, name: string): void => {
    const stats = lstatSync(path, { bigint: true })
    const isDeletion = stats.isCharacterDevice() && stats.rdev === 0n
    const values = isDeletion ? [] : listXattrs(path).sort().filter(xattrs)
    const isLinked = !stats.isDirectory() && !isDeletion && stats.nlink > 1n
    const first = isLinked ? firstNames.get(stats.ino) : undefined
    if (isLinked && first === undefined) firstNames.set(stats.ino, name)
    described[name] = isDeletion
      ? 'deleted'
      : [
          `mode ${stats.mode.toString(8)} owner ${stats.uid}:${stats.gid}`,
          ...(times ? [`time ${stats.mtimeNs}`] : []),
          ...(stats.isCharacterDevice() || stats.isBlockDevice() ? [`device ${stats.rdev}`] : []),
          ...(stats.isSymbolicLink() ? [`to ${readlinkSync(path, 'latin1')}`] : []),
          ...(stats.isFile() ? [`${stats.size} bytes ${createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 12)}`] : []),
          ...(first === undefined ? [] : [`is ${first}`]),
          ...values.map((xattr) => `${xattr}=${getXattr(path, xattr)?.toString('hex')}`),
        ].join(', ')
    if (!stats.isDirectory()) return
    for (const entry of readdirSync(path, { encoding: 'buffer' }).sort(Buffer.compare))
      visit(Buffer.concat([path, Buffer.from('/'), entry]), name === '.' ? entry.toString('latin1') : `${name}/${entry.toString('latin1')}`)
  }
  visit(Buffer.from(root), '.')
  return described
}
