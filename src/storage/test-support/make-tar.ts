/** An entry as tests write it, sound or not. */
export interface MadeEntry {
  readonly name: string | Buffer
  /** The type flag; a file if not given. */
  readonly flag?: string
  readonly link?: string | Buffer
  readonly content?: string | Buffer
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly mtime?: number
  readonly major?: number
  readonly minor?: number
  /** Records of an extended header before it. */
  readonly pax?: Readonly<Record<string, string | Buffer>>
}

/** Makes a tarball without asking whether it makes sense. Names are put into extended headers. */
export function makeTar(entries: readonly MadeEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(blocksOf), Buffer.alloc(1024)])
}

function blocksOf(entry: MadeEntry): Buffer[] {
  const { name, link = '', pax = {} } = entry
  const content = Buffer.from(entry.content ?? '')
  const records = {
    ...(Buffer.from(name).length > 99 ? { path: name } : {}),
    ...(Buffer.from(link).length > 99 ? { linkpath: link } : {}),
    ...pax,
  }
  const extended = Buffer.concat(Object.entries(records).map(([key, value]) => record(key, Buffer.from(value))))
  const before = extended.length === 0 ? [] : [headerOf({ name: 'extended', flag: 'x' }, extended.length), padded(extended)]
  return [...before, headerOf(entry, content.length), padded(content)]
}

function headerOf(
  { name, flag = '0', link = '', mode = 0o644, uid = 0, gid = 0, mtime = 0, major = 0, minor = 0 }: MadeEntry,
  size: number,
): Buffer {
  const block = Buffer.alloc(512)
  Buffer.from(name).copy(block, 0, 0, 99)
  Buffer.from(link).copy(block, 157, 0, 99)
  const octal = (value: number, at: number, digits: number): void => void block.write(value.toString(8).padStart(digits, '0'), at)
  octal(mode, 100, 7)
  octal(uid, 108, 7)
  octal(gid, 116, 7)
  octal(size, 124, 11)
  octal(mtime, 136, 11)
  block.write(flag, 156, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  octal(major, 329, 7)
  octal(minor, 337, 7)
  block.fill(' ', 148, 156)
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  )
  block[154] = 0
  return block
}

/** One record of an extended header. */
export function record(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')])
  let length = rest.length
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((512 - (data.length % 512)) % 512)])
}
