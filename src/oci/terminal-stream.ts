import { closeSync } from 'node:fs'
import { Duplex } from 'node:stream'
import { isErrno } from '../linux/errno.ts'
import { libc } from '../linux/native/libc.ts'
import { setNonblocking } from '../linux/pipe.ts'
import { resizePty, type TerminalSize } from '../linux/pty.ts'
import { type Readiness, reactor, type Watch } from '../linux/reactor.ts'

const chunkBytes = 64 * 1024

/** The master side of a terminal as a stream; it owns the descriptor. Reading ends when the last program has closed the other side. */
export class TerminalStream extends Duplex {
  readonly #fd: number
  readonly #watch: Watch
  readonly #buffer = Buffer.alloc(chunkBytes)
  #reading = false
  #ended = false
  #pending: { readonly data: Buffer; readonly done: (error?: Error | null) => void } | undefined

  constructor(fd: number) {
    super({ allowHalfOpen: true })
    this.#fd = fd
    setNonblocking(fd)
    this.#watch = reactor().watch(fd, 'none', (ready) => this.#look(ready))
    this.#update()
  }

  /** Does nothing once the terminal is closed. */
  resize(size: TerminalSize): void {
    if (!this.destroyed) resizePty(this.#fd, size)
  }

  override _read(): void {
    this.#reading = true
    this.#update()
  }

  override _write(data: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#pending = { data, done }
    this.#writeMore()
    this.#update()
  }

  /** What a user would type to end the input: a terminal has no other way. */
  override _final(done: (error?: Error | null) => void): void {
    if (this.#ended) done()
    else this._write(Buffer.from([endOfTransmission]), 'utf8', (error) => done(error))
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#watch.close()
    closeSync(this.#fd)
    const pending = this.#pending
    this.#pending = undefined
    pending?.done(error)
    done(error)
  }

  #look({ readable, hangup, writable }: Readiness): void {
    if (this.#reading && (readable || hangup)) this.#readMore()
    if (!this.destroyed && this.#pending && (writable || hangup)) this.#writeMore()
    if (!this.destroyed) this.#update()
  }

  #readMore(): void {
    try {
      const count = libc().read(this.#fd, this.#buffer)
      if (count === undefined) return
      if (count > 0) this.#reading = this.push(Buffer.from(this.#buffer.subarray(0, count)))
      else this.#end()
    } catch (error) {
      // EIO: nobody has the other side open any more.
      if (isErrno(error, 'EIO')) this.#end()
      else this.destroy(error as Error)
    }
  }

  #end(): void {
    this.#reading = false
    this.#ended = true
    this.push(null)
    // Nobody reads what would still be typed.
    if (!this.writableEnded) this.end()
  }

  #writeMore(): void {
    const pending = this.#pending
    if (pending === undefined) return
    try {
      const count = this.#ended ? pending.data.length : libc().write(this.#fd, pending.data)
      if (count === undefined) return
      this.#pending = count < pending.data.length ? { ...pending, data: pending.data.subarray(count) } : undefined
      if (this.#pending === undefined) pending.done()
    } catch (error) {
      this.#pending = undefined
      pending.done(isErrno(error, 'EIO') ? null : (error as Error))
    }
  }

  #update(): void {
    if (this.destroyed) return
    const writing = this.#pending !== undefined
    this.#watch.modify(this.#reading ? (writing ? 'readwrite' : 'read') : writing ? 'write' : 'none')
    // One that nobody reads or writes keeps no process alive.
    if (this.#reading || writing) this.#watch.ref()
    else this.#watch.unref()
  }
}

const endOfTransmission = 0x04
