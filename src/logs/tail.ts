import type { FileHandle } from 'node:fs/promises'
import { type LogPiece, parsePiece } from './parse.ts'
import { maxRecordBytes } from './records.ts'

type Stream = LogPiece['stream']

/** For each stream, the offset of the first record that belongs to the last lines; earlier records of it are to be skipped. */
export type TailStart = Readonly<Record<Stream, number>>

const blockBytes = 64 * 1024
const newline = 0x0a

/**
 * Finds where the last `lines` lines begin, reading backwards. Lines are what the container wrote, each perhaps stored in
 * many records that are mixed with those of the other stream.
 */
export async function findTail(file: FileHandle, lines: number, streams: readonly Stream[]): Promise<TailStart> {
  const { size } = await file.stat()
  const end = await findRecordsEnd(file, size)
  const start: Record<Stream, number> = { stdout: end, stderr: end }
  if (lines <= 0) return start
  const search: Search = { counted: 0, wanted: lines, start, lines: new Map(streams.map((stream) => [stream, 'unseen'])) }
  for await (const { record, offset } of recordsBackwards(file, end)) {
    const piece = parsePiece(record)
    if (piece && look(search, piece, offset)) break
  }
  return start
}

interface Search {
  counted: number
  readonly wanted: number
  readonly start: Record<Stream, number>
  /** `unseen`: nothing of it so far; `inside`: the beginning of its line is still to be found; `done`: all wanted lines are found. */
  readonly lines: Map<Stream, 'unseen' | 'inside' | 'done'>
}

/** Looks at the record before those seen; `true` when the search is over. */
function look(search: Search, { stream, complete }: LogPiece, offset: number): boolean {
  const state = search.lines.get(stream)
  if (state === undefined || state === 'done') return false
  // A record that ends a line; or the last one of all, whose line has not ended yet.
  if (complete || state === 'unseen') {
    if (search.counted === search.wanted) {
      search.lines.set(stream, 'done')
      return isOver(search)
    }
    search.counted += 1
    search.lines.set(stream, 'inside')
  }
  search.start[stream] = offset
  return false
}

/** A stream of which nothing was seen has no line among the last ones once they are all counted. */
function isOver({ lines }: Search): boolean {
  return ![...lines.values()].includes('inside')
}

/** Behind the last newline: what follows is still being written. */
async function findRecordsEnd(file: FileHandle, size: number): Promise<number> {
  for (let to = size; to > 0; ) {
    const from = Math.max(0, to - blockBytes)
    const at = (await readBlock(file, from, to)).lastIndexOf(newline)
    if (at >= 0) return from + at + 1
    to = from
  }
  return 0
}

/** The records before `end`, from the last to the first. */
async function* recordsBackwards(file: FileHandle, end: number): AsyncGenerator<{ record: Buffer; offset: number }> {
  // The newline at the very end belongs to the last record.
  let rest = Buffer.alloc(0)
  for (let to = end - 1; to > 0; ) {
    const from = Math.max(0, to - blockBytes)
    const block = await readBlock(file, from, to)
    // Truncated meanwhile: what was to be read is gone.
    if (block.length < to - from) return
    const data = rest.length === 0 ? block : Buffer.concat([block, rest])
    let until = data.length
    for (let at = newlineBefore(data, until); at >= 0; at = newlineBefore(data, until)) {
      yield { record: data.subarray(at + 1, until), offset: from + at + 1 }
      until = at
    }
    // More than any record holds is none of ours.
    rest = until > maxRecordBytes ? Buffer.alloc(0) : Buffer.from(data.subarray(0, until))
    to = from
  }
  if (rest.length > 0) yield { record: rest, offset: 0 }
}

async function readBlock(file: FileHandle, from: number, to: number): Promise<Buffer<ArrayBuffer>> {
  const block = Buffer.allocUnsafe(to - from)
  const { bytesRead } = await file.read(block, 0, block.length, from)
  return block.subarray(0, bytesRead)
}

function newlineBefore(data: Buffer, end: number): number {
  return end === 0 ? -1 : data.lastIndexOf(newline, end - 1)
}
