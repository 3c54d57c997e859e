import { constants } from 'node:fs'
import { type FileHandle, link, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { randomHex } from '../../base/crypto.ts'
import { writeFileAtomic } from '../../linux/fs/atomic-write.ts'
import { makeFolder } from '../../linux/fs/make-folder.ts'
import { type EncodedChange, EntryTable } from './entry-table.ts'
import { storeCorrupt } from './failures.ts'
import { decodeLine, encodeLine, type JournalLine } from './journal-line.ts'

const chunkBytes = 1 << 18
const pointer = 'current'

/** A change on its way into the journal. */
export interface JournalChange {
  /** By which its writer knows its line again. */
  readonly id: string
  readonly change: EncodedChange
}

/** The journal of a file store as this process has read it so far. Its methods may not overlap; the store sees to that. */
export class Journal {
  readonly #directory: string
  #table = new EntryTable()
  #file: FileHandle | undefined
  #name = ''
  #number = 0
  /** Up to here the file is read. */
  #offset = 0
  #baseBytes = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  get table(): EntryTable {
    return this.#table
  }

  /** Whether it has grown far beyond what it holds. */
  isBloated(minBytes: number): boolean {
    return this.#offset > Math.max(minBytes, 4 * this.#baseBytes)
  }

  /** Reads what others have written. `onVersions` learns which lines count. */
  async refresh(onVersions?: (id: string, versions: string[]) => void): Promise<void> {
    this.#file ??= await this.#openCurrent()
    for (let next: string | undefined; ; ) {
      next = await this.#readOn(this.#file, onVersions)
      if (next === undefined) return
      await this.#file.close()
      this.#file = undefined
      // Who slept through two compactions finds it removed already, and begins at the pointer.
      this.#file = await this.#openNamed(next).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return this.#openCurrent()
        throw error
      })
    }
  }

  /**
   * Appends changes whose checks hold, in order, to a journal that was just refreshed. They are applied to the table at
   * once; `false` says that another writer came in between, so the table has to be read anew.
   */
  async append(changes: readonly JournalChange[]): Promise<boolean> {
    const lines = changes.map(({ id, change }): JournalLine => {
      const puts = change.puts.map(({ key, json }) => [key, JSON.parse(json)] as const)
      return { number: ++this.#number, id, puts, deletes: change.deletes }
    })
    return this.#write(lines.map(encodeLine).join(''))
  }

  /** Forgets what was read and begins at the beginning. */
  async reload(onVersions?: (id: string, versions: string[]) => void): Promise<void> {
    await this.close()
    await this.refresh(onVersions)
  }

  /** Goes on in a new file that begins with all there is; the last file but one is removed. */
  async compact(): Promise<void> {
    const generation = generationOf(this.#name) + 1
    const name = nameOf(generation)
    await this.#create(name, { number: this.#number + 1, base: { counter: this.#table.counter, entries: [...this.#table.entries()] } })
    const id = randomHex(8)
    const won = await this.#write(encodeLine({ number: ++this.#number, id, next: name }))
    if (!won) {
      await this.reload()
      if (this.#name !== name) await rm(join(this.#directory, name), { force: true })
      return
    }
    await writeFileAtomic(join(this.#directory, pointer), name, { durable: true })
    for (const old of await readdir(this.#directory))
      if (isJournal(old) && generationOf(old) < generation - 1) await rm(join(this.#directory, old), { force: true })
    await this.reload()
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  /** Appends with one write and syncs. Whether nobody else wrote in between. */
  async #write(lines: string): Promise<boolean> {
    const file = this.#file
    if (file === undefined) return false
    const { size } = await file.stat()
    // The rest of a killed writer's line ends here.
    const data = Buffer.from(size > this.#offset ? `\n${lines}` : lines)
    const { bytesWritten } = await file.write(data)
    if (bytesWritten < data.length) throw Object.assign(new Error('The write was cut short.'), { code: 'ENOSPC' })
    await file.datasync()
    this.#offset += data.length
    return size === this.#offset - data.length && (await file.stat()).size === this.#offset
  }

  /** Reads to the end of the file; gives the file it goes on in, if it does. */
  async #readOn(file: FileHandle, onVersions?: (id: string, versions: string[]) => void): Promise<string | undefined> {
    let rest: Buffer = Buffer.alloc(0)
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, this.#offset + rest.length)
      if (bytesRead === 0) return undefined
      const data = Buffer.concat([rest, buffer.subarray(0, bytesRead)])
      let begin = 0
      for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, begin)) {
        const line = decodeLine(data.toString('utf8', begin, end))
        begin = end + 1
        if (line === undefined || line.number <= this.#number) continue
        if (line.number > this.#number + 1) throw storeCorrupt(this.#directory, `a commit is missing before number ${line.number}`)
        this.#number = line.number
        if ('next' in line) return line.next
        if (!('puts' in line)) continue
        const versions = this.#apply(line)
        onVersions?.(line.id, versions)
      }
      this.#offset += begin
      rest = data.subarray(begin)
    }
  }

  #apply({ puts, deletes }: Extract<JournalLine, { puts: unknown }>): string[] {
    return this.#table.apply({ puts: puts.map(([key, value]) => ({ key, json: JSON.stringify(value) })), deletes })
  }

  async #openCurrent(): Promise<FileHandle> {
    for (let attempt = 0; ; attempt++) {
      const name = await readFile(join(this.#directory, pointer), 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw error
      })
      try {
        if (name !== undefined) return await this.#openNamed(name)
      } catch (error) {
        // Removed between the look at the pointer and the opening: the pointer shows another one by now.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt > 10) throw error
      }
      if (name === undefined) await this.#begin()
    }
  }

  /** Opens a journal and reads its base. */
  async #openNamed(name: string): Promise<FileHandle> {
    const file = await open(join(this.#directory, name), constants.O_RDWR | constants.O_APPEND)
    try {
      const { line, bytes } = await readBase(file)
      if (line === undefined || !('base' in line)) throw storeCorrupt(this.#directory, `${name} does not begin with a base`)
      const table = new EntryTable(line.base.counter)
      for (const [key, text] of line.base.entries) table.load(key, text)
      this.#table = table
      this.#number = line.number
      this.#name = name
      this.#offset = bytes
      this.#baseBytes = bytes
      return file
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Makes the first journal, unless another process is faster. */
  async #begin(): Promise<void> {
    await makeFolder(this.#directory, 0o700)
    const name = nameOf(1)
    await this.#create(name, { number: 0, base: { counter: 0, entries: [] } })
    const proposal = join(this.#directory, `${pointer}.${name}`)
    await writeFileAtomic(proposal, name, { durable: true })
    try {
      await link(proposal, join(this.#directory, pointer))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      await rm(join(this.#directory, name), { force: true })
    } finally {
      await rm(proposal, { force: true })
    }
  }

  async #create(name: string, base: JournalLine): Promise<void> {
    await writeFileAtomic(join(this.#directory, name), encodeLine(base), { durable: true })
  }
}

async function readBase(file: FileHandle): Promise<{ line: JournalLine | undefined; bytes: number }> {
  const data: Buffer[] = []
  for (let position = 0; ; ) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, position)
    if (bytesRead === 0) return { line: undefined, bytes: position }
    const end = buffer.subarray(0, bytesRead).indexOf(10)
    data.push(buffer.subarray(0, end < 0 ? bytesRead : end))
    if (end >= 0) return { line: decodeLine(Buffer.concat(data).toString()), bytes: position + end + 1 }
    position += bytesRead
  }
}

function nameOf(generation: number): string {
  return `state-${String(generation).padStart(8, '0')}.${randomHex(6)}.jsonl`
}

function isJournal(name: string): boolean {
  return /^state-\d+\.[0-9a-f]+\.jsonl$/.test(name)
}

function generationOf(name: string): number {
  return Number(/^state-(\d+)\./.exec(name)?.[1] ?? 0)
}
