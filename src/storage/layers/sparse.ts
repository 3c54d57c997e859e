import type { DataRange } from './entry.ts'
import { blockSize, numberAt } from './header.ts'
import { decimal, type SparseRecords } from './pax.ts'

/** More parts than any file of sense has; they are kept in memory. */
export const mostRanges = 1 << 16

/** The longest the decimal digits of an offset or a length can be, with the line's end. */
const longestLine = 17

/** The offsets and lengths in a header block of GNU's old form, or in one that continues it. `more`: another such block follows. */
export function oldSparseNumbers(block: Buffer, kind: 'header' | 'extension'): { numbers: number[]; more: boolean } | string {
  const { start, count, flagAt } = kind === 'header' ? { start: 386, count: 4, flagAt: 482 } : { start: 0, count: 21, flagAt: 504 }
  const numbers: number[] = []
  for (let at = start; at < start + count * 24; at += 24) {
    if (block[at + 12] === 0) break
    const [offset, length] = [numberAt(block, at, 12), numberAt(block, at + 12, 12)]
    if (offset === undefined || length === undefined) return 'the map of a sparse file is damaged'
    numbers.push(offset, length)
  }
  return { numbers, more: block[flagAt] !== 0 }
}

/** The whole size of a file in GNU's old form. */
export function oldSparseSize(block: Buffer): number | undefined {
  return numberAt(block, 483, 12)
}

/** The numbers of versions 0.0 and 0.1, which are in the extended header; `undefined` if there are none. */
export function sparseNumbers({ map, numbers }: SparseRecords): number[] | string | undefined {
  if (map === undefined) return numbers
  const list: number[] = []
  for (const text of map.toString('latin1').split(',')) {
    const number = decimal(Buffer.from(text, 'latin1'))
    if (number === undefined) return 'the map of a sparse file is damaged'
    list.push(number)
  }
  return list
}

/** Reads the map of version 1.0, which stands in the first blocks of the content: a number a line, first how many pairs follow. */
export class SparseMapReader {
  readonly #numbers: number[] = []
  #line = ''

  /** Takes one more block; gives `true` when the map is complete, and what is wrong as text. */
  add(block: Buffer): boolean | string {
    for (let at = 0; at < blockSize; at++) {
      const byte = block[at] ?? 0
      if (byte !== newline) {
        this.#line += String.fromCharCode(byte)
        if (this.#line.length > longestLine) return damaged
        continue
      }
      const number = decimal(Buffer.from(this.#line, 'latin1'))
      this.#line = ''
      if (number === undefined) return damaged
      this.#numbers.push(number)
      const count = this.#numbers[0] ?? 0
      if (count > mostRanges) return 'a sparse file has too many parts'
      if (this.#numbers.length === 1 + count * 2) return true
    }
    return false
  }

  get numbers(): readonly number[] {
    return this.#numbers.slice(1)
  }
}

/** Checks a map and makes ranges of it: in order, inside the file, and together as long as the content. */
export function rangesOf(numbers: readonly number[], size: number, contentSize: number): DataRange[] | string {
  if (numbers.length % 2 !== 0) return damaged
  if (numbers.length > mostRanges * 2) return 'a sparse file has too many parts'
  const ranges: DataRange[] = []
  let [end, total] = [0, 0]
  for (let at = 0; at < numbers.length; at += 2) {
    const [offset = 0, length = 0] = [numbers[at], numbers[at + 1]]
    if (offset < end || length < 0 || length > size - offset) return damaged
    end = offset + length
    total += length
    if (length > 0) ranges.push({ offset, length })
  }
  return total === contentSize ? ranges : damaged
}

const damaged = 'the map of a sparse file is damaged'
const newline = 0x0a
