import { type TarHeader, untilNul } from './header.ts'
import { copyRecords, noRecords, type PaxRecords, parsePax } from './pax.ts'

/** Headers may take so many bytes for one entry, and global ones for all. */
const mostBytes = 1 << 20

/** The headers that say more about an entry than fits into its own, and come before it: POSIX's (`x`, `g`, and Solaris' `X`) and GNU's long names. */
export class ExtendedHeaders {
  readonly #global = noRecords()
  #globalBytes = 0
  #local: PaxRecords | undefined
  #longName: Buffer | undefined
  #longLink: Buffer | undefined
  #bytes = 0

  /** Whether an entry must follow. */
  get pending(): boolean {
    return this.#bytes > 0
  }

  /** What is known of the next entry besides its header. */
  get records(): PaxRecords {
    return this.#local ?? this.#global
  }

  /** Whether a type flag is that of such a header. */
  has(flag: string): boolean {
    return 'xXgLK'.includes(flag)
  }

  /** Asks for room before the content of a header is read; `false` when they are too large. */
  reserve(flag: string, size: number): boolean {
    if (flag === 'g') this.#globalBytes += size
    else this.#bytes += size
    return Math.max(this.#globalBytes, this.#bytes) <= mostBytes
  }

  /** Takes the content of a header; what is wrong comes as text. */
  take(flag: string, data: Buffer): string | undefined {
    if (flag === 'g') return parsePax(data, this.#global)
    if (flag === 'L') this.#longName = untilNul(data)
    else if (flag === 'K') this.#longLink = untilNul(data)
    else {
      this.#local ??= copyRecords(this.#global)
      return parsePax(data, this.#local)
    }
    return undefined
  }

  /** The header of an entry with all that came before it. */
  completed(header: TarHeader): TarHeader {
    const { records } = this
    return {
      ...header,
      name: records.sparse.name ?? records.path ?? this.#longName ?? header.name,
      linkName: records.linkPath ?? this.#longLink ?? header.linkName,
      size: records.size ?? header.size,
      uid: records.uid ?? header.uid,
      gid: records.gid ?? header.gid,
      mtime: records.mtime ?? header.mtime,
    }
  }

  /** The entry is there: the next one has others. */
  clear(): void {
    this.#local = undefined
    this.#longName = undefined
    this.#longLink = undefined
    this.#bytes = 0
  }
}
