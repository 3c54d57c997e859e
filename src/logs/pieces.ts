import { sleep } from '../base/time.ts'
import { readLogFile } from './follow.ts'
import type { LogReadOptions } from './log-driver.ts'
import { type LogPiece, parsePiece } from './parse.ts'
import { RecordSplitter } from './records.ts'
import { findTail, type TailStart } from './tail.ts'

const allStreams = ['stdout', 'stderr'] as const

/** Reads the pieces of a log that `options` choose, many at a time. Their data is valid until the next are asked for. */
export async function* readPieces(path: string, options: LogReadOptions): AsyncGenerator<LogPiece[], void> {
  const { follow = false, tail, since, until, streams = allStreams, ended, signal } = options
  const clock = new AbortController()
  const splitter = new RecordSplitter()
  let start: TailStart | undefined
  let generation = -1
  let expected = 0
  const begin = async (file: Parameters<typeof findTail>[0]): Promise<number> => {
    if (tail === undefined) return 0
    start = await findTail(file, tail, streams)
    return Math.min(start.stdout, start.stderr)
  }
  const chooses = chooser(streams, since?.getTime(), until?.getTime())
  try {
    const chunks = readLogFile(path, { follow, ended: follow ? firstOf(ended, until, clock.signal) : undefined, signal, begin })
    for await (const chunk of chunks) {
      if (chunk.generation !== generation || chunk.offset !== expected) splitter.reset(chunk.offset)
      generation = chunk.generation
      expected = chunk.offset + chunk.bytes.length
      const pieces: LogPiece[] = []
      for (const { bytes, offset } of splitter.push(chunk.bytes)) {
        const piece = parsePiece(bytes)
        if (piece === undefined || !chooses(piece)) continue
        if (generation === 0 && start !== undefined && offset < start[piece.stream]) continue
        pieces.push(piece)
      }
      if (pieces.length > 0) yield pieces
    }
  } finally {
    clock.abort()
  }
}

function chooser(streams: readonly LogPiece['stream'][], since = -Infinity, until = Infinity): (piece: LogPiece) => boolean {
  const timed = since > -Infinity || until < Infinity
  return ({ stream, time }) => {
    if (!streams.includes(stream)) return false
    if (!timed) return true
    const at = Date.parse(time)
    return at >= since && at < until
  }
}

/** Following ends when the writer ends, or when the time has come after which nothing is wanted. */
function firstOf(ended: Promise<void> | undefined, until: Date | undefined, signal: AbortSignal): Promise<void> | undefined {
  if (until === undefined) return ended
  const passed = sleepLong(until.getTime(), signal).catch(() => {})
  return ended === undefined ? passed : Promise.race([ended, passed])
}

/** A timer holds 24 days at most. */
async function sleepLong(at: number, signal: AbortSignal): Promise<void> {
  for (let left = at - Date.now(); left > 0; left = at - Date.now()) await sleep(Math.min(left, 2 ** 30), { signal })
}
