import { StringDecoder } from 'node:string_decoder'
import type { LogEntry } from './entry.ts'

/** What one record of a CRI log holds: a line, or a piece of one. */
export interface LogPiece {
  /** RFC 3339 as it stands in the file. */
  readonly time: string
  readonly stream: 'stdout' | 'stderr'
  /** Whether a newline followed. */
  readonly complete: boolean
  /** What the container wrote, without the newline. */
  readonly data: Buffer
}

/** Lines longer than this come in parts. */
export const maxLineBytes = 1024 * 1024

const space = 0x20

/** Reads one record, `TIME STREAM TAGS DATA`, without its newline; `undefined` for what is none, such as a torn line after a power cut. */
export function parsePiece(record: Buffer): LogPiece | undefined {
  const timeEnd = record.indexOf(space)
  const streamEnd = record.indexOf(space, timeEnd + 1)
  if (timeEnd < 0 || streamEnd < 0) return undefined
  const tagEnd = record.indexOf(space, streamEnd + 1)
  const stream = record.toString('latin1', timeEnd + 1, streamEnd)
  if (stream !== 'stdout' && stream !== 'stderr') return undefined
  // Tags are separated by colons; the first tells whether the line is complete.
  const tag = record[streamEnd + 1]
  if (tag !== 0x46 && tag !== 0x50) return undefined
  const time = record.toString('latin1', 0, timeEnd)
  if (!/^\d{4}-\d\d-\d\dT/.test(time)) return undefined
  return { time, stream, complete: tag === 0x46, data: tagEnd < 0 ? record.subarray(record.length) : record.subarray(tagEnd + 1) }
}

interface OpenLine {
  time: string
  readonly decoder: StringDecoder
  text: string
  bytes: number
}

/** Puts the pieces of lines together, each stream for itself. */
export class LineJoiner {
  readonly #open = new Map<LogPiece['stream'], OpenLine>()

  /** Takes one piece; gives an entry when a line, or as much of one as may come at once, is together. */
  push({ time, stream, complete, data }: LogPiece): LogEntry | undefined {
    const open = this.#open.get(stream)
    if (open === undefined && complete && data.length <= maxLineBytes) return { time, stream, line: data.toString('utf8'), partial: false }
    const line = open ?? { time, decoder: new StringDecoder('utf8'), text: '', bytes: 0 }
    line.text += line.decoder.write(data)
    line.bytes += data.length
    if (complete) {
      this.#open.delete(stream)
      return { time: line.time, stream, line: line.text + line.decoder.end(), partial: false }
    }
    this.#open.set(stream, line)
    if (line.bytes < maxLineBytes) return undefined
    const entry: LogEntry = { time: line.time, stream, line: line.text, partial: true }
    // The decoder keeps the bytes of a character that is cut by the end of a part.
    Object.assign(line, { time, text: '', bytes: 0 })
    return entry
  }

  /** Lines that never got their newline, when nothing more can come. */
  *rest(): Generator<LogEntry> {
    const open = [...this.#open].sort(([, a], [, b]) => Date.parse(a.time) - Date.parse(b.time))
    this.#open.clear()
    for (const [stream, { time, text, decoder }] of open) {
      const line = text + decoder.end()
      if (line !== '') yield { time, stream, line, partial: false }
    }
  }
}
