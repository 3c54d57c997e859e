import { accessSync, constants } from 'node:fs'
import type { Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import { LibpodError } from '../../base/errors.ts'
import { libc } from '../../linux/native/libc.ts'
import {
  ZSTD_c_checksumFlag,
  ZSTD_c_compressionLevel,
  ZSTD_e_continue,
  ZSTD_e_end,
  type ZstdCompression,
  type ZstdContext,
  type ZstdResult,
  zstdCompression,
} from '../../linux/native/libzstd-compress.ts'
import { makePipe, readAll, readableFrom, writableTo } from '../../linux/pipe.ts'
import { programDirectories } from '../../linux/process/find-program.ts'
import { commandFailed } from '../../linux/process/run-program.ts'
import { spawnProcess } from '../../linux/process/spawn.ts'
import { streamThrough } from './stream-through.ts'

/** The ways to zstd, best first: Node's own (22.15 and later), the library, the program. */
export const zstdWays = ['node', 'library', 'program'] as const

/** Options of {@link zstd}. */
export interface ZstdOptions {
  readonly level: number
  /** Which ways are tried; default all. */
  readonly ways?: readonly (typeof zstdWays)[number][]
}

type Source = AsyncIterable<Buffer>

const chunkBytes = 1 << 18
const SIGKILL = 9

/** Compresses with zstd, with a checksum at the end, by the first way that this machine has. Throws `unavailable` where there is none. */
export async function* zstd(source: Source, { level, ways = zstdWays }: ZstdOptions): AsyncGenerator<Buffer, void> {
  for (const way of ways) {
    const bytes = openers[way](source, level)
    if (bytes === undefined) continue
    yield* bytes
    return
  }
  throw new LibpodError(
    'unavailable',
    'There is no zstd on this machine: neither libzstd.so.1 nor the program, and this Node has none of its own.',
    { what: 'zstd', install: 'apt-get install libzstd1' },
    { hint: 'Install libzstd1 (libzstd, zstd-libs) or zstd, use Node 22.15 or later, or gzip.' },
  )
}

type Opener = (source: Source, level: number) => AsyncIterable<Buffer> | undefined

const openers: Readonly<Record<(typeof zstdWays)[number], Opener>> = {
  node(source, level) {
    const { createZstdCompress } = zlib as { createZstdCompress?: (options: object) => Transform }
    const params = { [ZSTD_c_compressionLevel]: level, [ZSTD_c_checksumFlag]: 1 }
    const transform = createZstdCompress?.({ chunkSize: chunkBytes, params })
    return transform && streamThrough(source, transform, transform)
  },
  library(source, level) {
    const library = zstdCompression()
    return library && withLibrary(library, source, level)
  },
  program(source, level) {
    const file = programDirectories.map((directory) => `${directory}/zstd`).find(isProgram)
    return file === undefined ? undefined : withProgram(file, source, level)
  },
}

async function* withLibrary(library: ZstdCompression, source: Source, level: number): AsyncGenerator<Buffer, void> {
  const context = library.createCompression()
  if (context === null) throw failed('no memory')
  try {
    check(library, library.setParameter(context, ZSTD_c_compressionLevel, level))
    check(library, library.setParameter(context, ZSTD_c_checksumFlag, 1))
    for await (const chunk of source) yield* compressChunk(library, context, chunk, ZSTD_e_continue)
    yield* compressChunk(library, context, Buffer.alloc(0), ZSTD_e_end)
  } finally {
    library.freeCompression(context)
  }
}

async function* compressChunk(
  library: ZstdCompression,
  context: ZstdContext,
  chunk: Buffer,
  operation: number,
): AsyncGenerator<Buffer, void> {
  for (let consumed = 0; ; ) {
    const output = Buffer.allocUnsafeSlow(chunkBytes)
    const part = await library.compress(context, output, chunk, consumed, operation)
    const left = check(library, part.result)
    const { produced } = part
    consumed = part.consumed
    // A piece that waits somewhere must not hold on to a large buffer.
    if (produced > 0) yield produced > chunkBytes / 2 ? output.subarray(0, produced) : Buffer.from(output.subarray(0, produced))
    if (consumed === chunk.length && (operation === ZSTD_e_continue ? produced < chunkBytes : Number(left) === 0)) return
  }
}

function check(library: ZstdCompression, result: ZstdResult): ZstdResult {
  const name = library.errorName(result)
  if (name !== undefined) throw failed(name)
  return result
}

function failed(why: string): LibpodError<'internal'> {
  return new LibpodError('internal', `zstd failed: ${why}.`, { what: 'zstd' })
}

async function* withProgram(file: string, source: Source, level: number): AsyncGenerator<Buffer, void> {
  const args = ['-q', '-c', '--check', `-${level}`]
  const [stdin, stdout, stderr] = [makePipe({ nonblockWrite: true }), makePipe({ nonblockRead: true }), makePipe()]
  const input = writableTo(stdin.write)
  const output = readableFrom(stdout.read)
  const said = readAll(stderr.read, { max: 1 << 16 })
  let child: ReturnType<typeof spawnProcess>
  try {
    child = spawnProcess({ file, args, env: {}, stdio: [stdin.read, stdout.write, stderr.write] })
  } catch (error) {
    input.destroy()
    output.destroy()
    throw error
  } finally {
    closeAll(stdin.read, stdout.write, stderr.write)
  }
  let ended = false
  try {
    yield* streamThrough(source, input, output)
    const status = await child.exited
    ended = true
    if (status.code !== 0) throw commandFailed([file, ...args], { ...status, stderr: (await said).data })
  } finally {
    if (!ended) child.kill(SIGKILL)
    await Promise.all([child.exited, said])
  }
}

/** Synchronously: a thread of the pool could look for it while this process is confined to a tree. */
function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function closeAll(...fds: readonly number[]): void {
  for (const fd of fds) libc().close(fd)
}
