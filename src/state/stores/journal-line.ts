import { crc32 } from 'node:zlib'
import type { Json } from '../state-store.ts'

/**
 * One line of a journal. Each carries its number: of two lines with one number, the first in the file counts and the
 * other is void, for everybody alike. So a writer that lost its lock without noticing does no harm: it reads that it lost.
 */
export type JournalLine =
  /** The first line of a journal: all there was when the one before it ended. */
  | {
      readonly number: number
      readonly base: { readonly counter: number; readonly entries: readonly (readonly [key: string, text: string])[] }
    }
  | {
      readonly number: number
      readonly id: string
      readonly puts: readonly (readonly [key: string, value: Json])[]
      readonly deletes: readonly string[]
    }
  /** The last line that counts: the journal goes on in another file. */
  | { readonly number: number; readonly id: string; readonly next: string }

/** A line with its checksum. */
export function encodeLine(line: JournalLine): string {
  const json = JSON.stringify(line)
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`
}

/** A line, or `undefined` for what a killed writer or a power cut left of one. */
export function decodeLine(text: string): JournalLine | undefined {
  const json = text.slice(9)
  if (crc32(json).toString(16).padStart(8, '0') !== text.slice(0, 8)) return undefined
  return JSON.parse(json) as JournalLine
}
