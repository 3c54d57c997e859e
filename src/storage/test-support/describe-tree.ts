import { createHash } from 'node:crypto'
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { getXattr, listXattrs } from '../../linux/xattr.ts'

/** A line for each file, by its path (a character for each byte); `.` is the tree itself. */
export type DescribedTree = Readonly<Record<string, string>>

/** What {@link describeTree} leaves out. */
export interface DescribeTreeOptions {
  /** Which attributes count; default all. */
  readonly xattrs?: (name: string) => boolean
  /** Default true. */
  readonly times?: boolean
}

/** All that can be told of the files of a tree: two trees are the same when this is. An overlay's whiteout is only `deleted`. */
export function describeTree(root: string, { xattrs = () => true, times = true }: DescribeTreeOptions = {}): DescribedTree {
  const names = new Map<string, string[]>()
  const found: { readonly name: string; readonly text: string; readonly same: readonly string[] }[] = []
  const paths: Buffer[] = [Buffer.from(root)]
  for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
    const name = path.length === root.length ? '.' : path.toString('latin1', root.length + 1)
    const stats = lstatSync(path, { bigint: true })
    if (stats.isDirectory())
      for (const entry of readdirSync(path, { encoding: 'buffer' })) paths.push(Buffer.concat([path, Buffer.from('/'), entry]))
    const key = stats.isDirectory() ? name : `inode ${stats.ino}`
    const same = names.get(key) ?? []
    names.set(key, same)
    same.push(name)
    found.push({ name, text: describeFile(path, stats, { xattrs, times }), same })
  }
  const line = ({ text, same }: (typeof found)[number]): string =>
    text === 'deleted' || same.length === 1 ? text : `${text}, same as ${[...same].sort().join(' ')}`
  return Object.fromEntries(found.map((file) => [file.name, line(file)]))
}

function describeFile(path: Buffer, stats: BigIntStats, { xattrs, times }: Required<DescribeTreeOptions>): string {
  if (stats.isCharacterDevice() && stats.rdev === 0n) return 'deleted'
  const attributes = listXattrs(path).filter(xattrs).sort()
  return [
    `${stats.mode.toString(8)} ${stats.uid}:${stats.gid}`,
    ...(times ? [`time ${stats.mtimeNs}`] : []),
    ...(stats.isFile() ? [`${stats.size} bytes ${createHash('md5').update(readFileSync(path)).digest('hex')}`] : []),
    ...(stats.isSymbolicLink() ? [`to ${readlinkSync(path, { encoding: 'latin1' })}`] : []),
    ...(stats.isCharacterDevice() || stats.isBlockDevice() ? [`device ${stats.rdev}`] : []),
    ...attributes.map((name) => `${name}=${getXattr(path, name)?.toString('hex')}`),
  ].join(', ')
}
