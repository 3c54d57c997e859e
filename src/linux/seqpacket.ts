import type { AbortOptions } from '../base/abort.ts'
import { AsyncQueue } from '../base/async-queue.ts'
import { LibpodError } from '../base/errors.ts'
import { sleep } from '../base/time.ts'
import { isErrno } from './errno.ts'
import { AF_UNIX, O_NONBLOCK, SHUT_WR, SOCK_SEQPACKET } from './native/constants.ts'
import { libc } from './native/libc.ts'
import { withSocketAddress } from './native/unix-address.ts'
import { type Interest, reactor, type Watch } from './reactor.ts'

/** Options of {@link connectSeqpacket}. */
export interface SeqpacketOptions extends AbortOptions {
  /** Stop reading while so many bytes wait in `packets`; without it everything is read as it comes. */
  readonly highWaterBytes?: number
}

/** A connection that keeps packets apart (SOCK_SEQPACKET), which node:net does not know. It keeps the process alive until it is closed. */
export interface SeqpacketSocket {
  /** Sends one packet; resolves when the kernel took it. Packets go out in the order of the calls. */
  send(data: Uint8Array): Promise<void>
  /** What comes in; ends when the other side closes, or this one. To be iterated once. */
  readonly packets: AsyncIterable<Buffer>
  /** So many bytes have been read but not yet taken from `packets`. */
  readonly bufferedBytes: number
  /** Stops reading: the other side will have to wait. */
  pause(): void
  resume(): void
  /** Tells the other side that nothing more is sent. */
  shutdownWrite(): void
  /** Idempotent. */
  close(): void
  ref(): void
  unref(): void
}

/** Larger than any packet that conmon sends (8 KiB and a byte). */
const largestPacket = 256 * 1024
/** After so many packets others get their turn. */
const burst = 32

/** Connects to a listening socket; its path may be longer than the 107 bytes of an address. */
export async function connectSeqpacket(
  path: string,
  { highWaterBytes = Number.POSITIVE_INFINITY, signal }: SeqpacketOptions = {},
): Promise<SeqpacketSocket> {
  for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 20)) {
    signal?.throwIfAborted()
    const fd = libc().socket(AF_UNIX, SOCK_SEQPACKET | O_NONBLOCK)
    try {
      withSocketAddress(path, (address) => libc().connect(fd, address))
      return new Connection(fd, highWaterBytes)
    } catch (error) {
      libc().close(fd)
      // The listener's queue is full, and a Unix socket tells nobody when there is room.
      if (!isErrno(error, 'EAGAIN')) throw error instanceof Error ? Object.assign(error, { path }) : error
    }
    await sleep(waitMs, { signal })
  }
}

interface Outgoing {
  readonly data: Uint8Array
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

class Connection implements SeqpacketSocket {
  readonly packets: AsyncIterable<Buffer>
  readonly #queue = new AsyncQueue<Buffer>()
  readonly #outgoing: Outgoing[] = []
  readonly #highWaterBytes: number
  readonly #watch: Watch
  #fd: number
  #buffer: Buffer | undefined
  #buffered = 0
  #paused = false
  #ended = false

  constructor(fd: number, highWaterBytes: number) {
    this.#fd = fd
    this.#highWaterBytes = highWaterBytes
    this.packets = { [Symbol.asyncIterator]: () => this.#iterate() }
    this.#watch = reactor().watch(fd, 'read', ({ readable, writable }) => {
      if (readable) this.#receive()
      if (writable) this.#flush()
    })
  }

  get bufferedBytes(): number {
    return this.#buffered
  }

  send(data: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#fd < 0) return reject(closed())
      this.#outgoing.push({ data, resolve, reject })
      if (this.#outgoing.length === 1) this.#flush()
    })
  }

  pause(): void {
    this.#paused = true
    this.#update()
  }

  resume(): void {
    this.#paused = false
    this.#update()
  }

  shutdownWrite(): void {
    if (this.#fd < 0) return
    try {
      libc().shutdown(this.#fd, SHUT_WR)
    } catch (error) {
      if (!isErrno(error, 'ENOTCONN')) throw error
    }
  }

  close(): void {
    this.#close()
  }

  ref(): void {
    this.#watch.ref()
  }

  unref(): void {
    this.#watch.unref()
  }

  async *#iterate(): AsyncGenerator<Buffer, void> {
    try {
      for (;;) {
        const { value, done } = await this.#queue.next()
        if (done) return
        this.#buffered -= value.length
        this.#update()
        yield value
      }
    } finally {
      this.#close()
    }
  }

  #receive(): void {
    this.#buffer ??= Buffer.allocUnsafeSlow(largestPacket)
    try {
      for (let count = 0; count < burst && this.#reading(); count++) {
        const length = libc().recv(this.#fd, this.#buffer)
        if (length === undefined) return
        if (length === 0) {
          this.#end()
          return
        }
        this.#buffered += length
        this.#queue.push(Buffer.from(this.#buffer.subarray(0, length)))
      }
      this.#update()
    } catch (error) {
      // The other side closed with something of ours unread: what it had sent came before.
      if (isErrno(error, 'ECONNRESET')) this.#end()
      else this.#close(error)
    }
  }

  #flush(): void {
    for (let next = this.#outgoing[0]; next !== undefined; next = this.#outgoing[0]) {
      try {
        if (libc().send(this.#fd, next.data) === undefined) break
        next.resolve()
      } catch (error) {
        next.reject(error)
      }
      this.#outgoing.shift()
    }
    this.#update()
  }

  #reading(): boolean {
    return !this.#ended && !this.#paused && this.#buffered < this.#highWaterBytes
  }

  #update(): void {
    if (this.#fd < 0) return
    const writing = this.#outgoing.length > 0
    const interest: Interest = this.#reading() ? (writing ? 'readwrite' : 'read') : writing ? 'write' : 'none'
    this.#watch.modify(interest)
  }

  /** The other side is done; we may still send. */
  #end(): void {
    this.#ended = true
    this.#queue.end()
    // Nothing will ever come: what keeps the process alive from now on is only what is still to be sent.
    if (this.#outgoing.length === 0) this.#watch.unref()
    this.#update()
  }

  #close(...error: [] | [unknown]): void {
    if (this.#fd < 0) return
    this.#watch.close()
    libc().close(this.#fd)
    this.#fd = -1
    this.#queue.end(...error)
    for (const { reject } of this.#outgoing.splice(0)) reject(error.length > 0 ? error[0] : closed())
  }
}

function closed(): LibpodError<'closed'> {
  return new LibpodError('closed', 'The connection is closed.', { what: 'seqpacket socket' })
}
