import { type AbortOptions, abortable } from '../base/abort.ts'
import { AsyncQueue } from '../base/async-queue.ts'
import { LibpodError } from '../base/errors.ts'
import { isErrno } from './errno.ts'
import { unlinkIfThereSync } from './fs/unlink.ts'
import { AF_UNIX, O_NONBLOCK, SOCK_STREAM } from './native/constants.ts'
import { receiveDescriptor } from './native/descriptor-message.ts'
import { libc } from './native/libc.ts'
import { withNewSocketAddress } from './native/unix-address.ts'
import { reactor, type Watch } from './reactor.ts'

/** A socket on which other programs hand over descriptors, one per connection: a runtime's console socket. */
export interface DescriptorReceiver {
  /** The next descriptor; the caller owns it. Rejects with `closed` after the close. */
  next(options?: AbortOptions): Promise<number>
  /** Removes the socket; descriptors that nobody took are closed. Idempotent. */
  close(): void
}

/**
 * Listens on a new socket at `path` (of any length) and receives a descriptor from whoever connects. A runtime may connect, send
 * and end before it is noticed here: nothing of that is lost. Keeps the process alive only while somebody waits in `next`.
 */
export function receiveDescriptors(path: string): DescriptorReceiver {
  const fd = libc().socket(AF_UNIX, SOCK_STREAM | O_NONBLOCK)
  try {
    withNewSocketAddress(path, (address) => libc().bind(fd, address))
  } catch (error) {
    libc().close(fd)
    throw error instanceof Error ? Object.assign(error, { path }) : error
  }
  try {
    libc().listen(fd, 128)
    return new Receiver(fd, path)
  } catch (error) {
    libc().close(fd)
    unlinkIfThereSync(path)
    throw error
  }
}

class Receiver implements DescriptorReceiver {
  readonly #path: string
  readonly #fd: number
  readonly #watch: Watch
  readonly #connections = new Map<number, Watch>()
  readonly #received = new AsyncQueue<number>()
  #waiting = 0
  #closed = false

  constructor(fd: number, path: string) {
    this.#fd = fd
    this.#path = path
    this.#watch = reactor().watch(fd, 'read', () => this.#accept())
    this.#watch.unref()
  }

  async next({ signal }: AbortOptions = {}): Promise<number> {
    signal?.throwIfAborted()
    // What is connected by now is taken at once: the sender may have ended long ago.
    if (!this.#closed) this.#accept()
    if (this.#waiting++ === 0) this.#watch.ref()
    const next = this.#received.next()
    try {
      const { value, done } = await abortable(next, signal)
      if (done) throw new LibpodError('closed', `Nobody listens on ${this.#path} any more.`, { what: this.#path })
      return value
    } catch (error) {
      // The descriptor this call waited for may still come.
      if (signal?.aborted) next.then(({ value }) => value !== undefined && this.#giveBack(value)).catch(() => {})
      throw error
    } finally {
      if (--this.#waiting === 0) this.#watch.unref()
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#watch.close()
    libc().close(this.#fd)
    for (const connection of [...this.#connections.keys()]) this.#drop(connection)
    this.#received.end()
    void this.#closeUntaken()
    unlinkIfThereSync(this.#path)
  }

  async #closeUntaken(): Promise<void> {
    while (this.#received.size > 0) {
      const { value } = await this.#received.next()
      if (value !== undefined) libc().close(value)
    }
  }

  #giveBack(fd: number): void {
    if (this.#closed) libc().close(fd)
    else this.#received.push(fd)
  }

  #accept(): void {
    try {
      for (let fd = libc().accept4(this.#fd, O_NONBLOCK); fd !== undefined; fd = libc().accept4(this.#fd, O_NONBLOCK)) this.#connect(fd)
    } catch (error) {
      if (isErrno(error, 'ECONNABORTED')) return
      // No descriptors left, say: whoever waits has to know.
      this.#received.end(error)
      this.close()
    }
  }

  #connect(connection: number): void {
    const watch = reactor().watch(connection, 'read', () => this.#receive(connection))
    watch.unref()
    this.#connections.set(connection, watch)
    this.#receive(connection)
  }

  #receive(connection: number): void {
    try {
      const fd = receiveDescriptor(connection)
      if (fd === undefined) return
      this.#received.push(fd)
    } catch {
      // Somebody connected who had nothing to give; the next may.
    }
    this.#drop(connection)
  }

  #drop(connection: number): void {
    this.#connections.get(connection)?.close()
    this.#connections.delete(connection)
    libc().close(connection)
  }
}
