import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { EngineEvent } from '../event.ts'
import { badCursor } from './failures.ts'

/** A place in a log of files: behind so many bytes of a segment. */
export interface SegmentPlace {
  readonly segment: number
  readonly offset: number
}

const chunkBytes = 1 << 16

export function segmentPath(directory: string, segment: number): string {
  return join(directory, `events-${String(segment).padStart(8, '0')}.jsonl`)
}

/** The numbers of the segments that are kept, oldest first. */
export async function listSegments(directory: string): Promise<number[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names
    .flatMap((name) => /^events-(\d{8,})\.jsonl$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
}

export function formatCursor({ segment, offset }: SegmentPlace): string {
  return `${segment}:${offset}`
}

export function parseCursor(cursor: string): SegmentPlace {
  const match = /^(\d+):(\d+)$/.exec(cursor)
  if (!match) throw badCursor(cursor)
  return { segment: Number(match[1]), offset: Number(match[2]) }
}

/** Opens a segment for reading, or gives `undefined` if it is forgotten. */
export async function openSegment(directory: string, segment: number): Promise<FileHandle | undefined> {
  return open(segmentPath(directory, segment)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
}

/** The events of an open segment from an offset to its present end. What is no whole event is passed over: a writer was killed there. */
export async function* readSegment(file: FileHandle, { segment, offset }: SegmentPlace): AsyncGenerator<EngineEvent, void> {
  let rest: Buffer = Buffer.alloc(0)
  let position = offset
  for (;;) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, position + rest.length)
    if (bytesRead === 0) return
    const data = Buffer.concat([rest, buffer.subarray(0, bytesRead)])
    let begin = 0
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, begin)) {
      const event = parseEvent(data.toString('utf8', begin, end))
      begin = end + 1
      if (event) yield { ...event, cursor: formatCursor({ segment, offset: position + begin }) }
    }
    position += begin
    rest = data.subarray(begin)
  }
}

function parseEvent(line: string): EngineEvent | undefined {
  try {
    const event = JSON.parse(line) as Partial<EngineEvent> | null
    return typeof event?.type === 'string' && typeof event.time === 'string' ? (event as EngineEvent) : undefined
  } catch {
    return undefined
  }
}
