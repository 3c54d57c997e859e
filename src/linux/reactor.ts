import { systemError } from './errno.ts'
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from './native/constants.ts'
import { koffi } from './native/koffi.ts'
import { libc } from './native/libc.ts'

/** What a watch waits for; with `none` it is kept, but nothing is told, not even a hang-up. */
export type Interest = 'read' | 'write' | 'readwrite' | 'none'

/** What a descriptor is ready for, of what the watch waits for. */
export interface Readiness {
  readonly readable: boolean
  readonly writable: boolean
  /** The other side is gone, or there is an error: the read or write that is possible now tells which. */
  readonly hangup: boolean
}

/** One descriptor being watched. */
export interface Watch {
  /** Waits for something else from now on. */
  modify(interest: Interest): void
  /** Ends the watch; to be called before the descriptor is closed. Idempotent. */
  close(): void
  /** Keeps the process alive while it is open, as it does from the beginning. */
  ref(): void
  /** Does not keep the process alive. */
  unref(): void
}

/** Waits for descriptors that Node has no object for. */
export interface Reactor {
  /**
   * Calls `listener` again and again while the descriptor is ready (level-triggered). A regular file cannot be watched (EPERM), nor a
   * descriptor that is being watched already (EEXIST). What a listener throws becomes an uncaught exception and harms no other watch.
   */
  watch(fd: number, interest: Interest, listener: (ready: Readiness) => void): Watch
}

let shared: EpollReactor | undefined

/** The one reactor of this thread: an epoll set that hangs in Node's own loop by a single poll handle. Made at first use. */
export function reactor(): Reactor {
  if (shared === undefined) {
    const made = new EpollReactor()
    // While Node takes itself down, a callback of koffi's would abort the process.
    process.once('exit', () => made.stop())
    shared = made
  }
  return shared
}

const batch = 256
// The kernel packs the structure on x64 only.
const eventSize = process.arch === 'x64' ? 12 : 16
const dataAt = process.arch === 'x64' ? 4 : 8
const interestBits: Readonly<Record<Interest, number>> = {
  none: 0,
  read: EPOLLIN | EPOLLRDHUP,
  write: EPOLLOUT,
  readwrite: EPOLLIN | EPOLLOUT | EPOLLRDHUP,
}

type PollHandle = ReturnType<ReturnType<typeof koffi>['node']['poll']>

interface Entry {
  readonly id: number
  readonly fd: number
  readonly listener: (ready: Readiness) => void
  interest: Interest
  /** Whether the kernel has it in the set. */
  added: boolean
  referenced: boolean
  closed: boolean
}

class EpollReactor implements Reactor {
  readonly #entries = new Map<number, Entry>()
  readonly #byFd = new Map<number, Entry>()
  readonly #events = Buffer.alloc(batch * eventSize)
  readonly #event = Buffer.alloc(eventSize)
  #epoll = -1
  #handle: PollHandle | undefined
  #references = 0
  #nextId = 1
  #dispatching = false

  watch(fd: number, interest: Interest, listener: (ready: Readiness) => void): Watch {
    this.#open()
    const entry: Entry = { id: this.#newId(), fd, listener, interest, added: false, referenced: false, closed: false }
    const previous = this.#byFd.get(fd)
    // Somebody closed a descriptor before its watch, and the number was given out again: the old watch has nothing left to watch.
    if (previous?.added && !this.#isRegistered(previous)) previous.added = false
    else if (previous !== undefined) throw systemError(EEXIST, 'epoll_ctl')
    if (interest !== 'none') this.#add(entry)
    this.#entries.set(entry.id, entry)
    this.#byFd.set(fd, entry)
    this.#reference(entry, true)
    return {
      modify: (next) => this.#modify(entry, next),
      close: () => this.#close(entry),
      ref: () => this.#reference(entry, true),
      unref: () => this.#reference(entry, false),
    }
  }

  #open(): void {
    if (this.#handle !== undefined) return
    this.#epoll = libc().epoll_create1()
    // koffi calls back without the scope in which promises and ticks go on, and swallows exceptions; an immediate runs in the same turn of the loop with both.
    this.#handle = koffi().node.poll(this.#epoll, { readable: true }, () => this.#schedule())
    if (this.#references === 0) this.#handle.unref()
  }

  /** Nothing is told any more; the descriptors go with the process. */
  stop(): void {
    this.#handle?.close()
    this.#handle = undefined
  }

  #schedule(): void {
    if (this.#dispatching) return
    this.#dispatching = true
    setImmediate(() => this.#dispatch())
  }

  #dispatch(): void {
    this.#dispatching = false
    if (this.#handle === undefined) return
    const count = libc().epoll_wait(this.#epoll, this.#events, batch)
    const ready: { readonly entry: Entry; readonly bits: number }[] = []
    let ghosts = false
    for (let at = 0; at < count * eventSize; at += eventSize) {
      const entry = this.#entries.get(this.#events.readUInt32LE(at + dataAt))
      if (entry?.added) ready.push({ entry, bits: this.#events.readUInt32LE(at) })
      else ghosts = true
    }
    if (ghosts) this.#rebuild()
    for (const { entry, bits } of ready) {
      if (entry.closed || !entry.added) continue
      tell(entry, bits)
    }
  }

  #add(entry: Entry): void {
    const result = this.#control(EPOLL_CTL_ADD, entry)
    if (result < 0) throw systemError(-result, 'epoll_ctl')
    entry.added = true
  }

  #modify(entry: Entry, interest: Interest): void {
    // An old watch whose number is another's by now has nothing to change.
    if (entry.closed || entry.interest === interest || this.#byFd.get(entry.fd) !== entry) return
    entry.interest = interest
    // Even with an empty mask the kernel tells of a hang-up, for ever: a watch that waits for nothing is taken out.
    if (interest === 'none') this.#remove(entry)
    else if (!entry.added) this.#add(entry)
    else {
      const result = this.#control(EPOLL_CTL_MOD, entry)
      if (result < 0) throw systemError(-result, 'epoll_ctl')
    }
  }

  #remove(entry: Entry): void {
    if (entry.added) this.#control(EPOLL_CTL_DEL, entry)
    entry.added = false
  }

  #close(entry: Entry): void {
    if (entry.closed) return
    this.#remove(entry)
    entry.closed = true
    this.#entries.delete(entry.id)
    if (this.#byFd.get(entry.fd) === entry) this.#byFd.delete(entry.fd)
    this.#reference(entry, false)
    if (this.#entries.size === 0) this.#shut()
  }

  /** A worker thread that is terminated hears of no exit, and koffi's handle must not be open then. */
  #shut(): void {
    this.stop()
    if (this.#epoll >= 0) libc().close(this.#epoll)
    this.#epoll = -1
  }

  /** Whether the kernel still has this watch under its number: the number may have been closed, and used again for another file. */
  #isRegistered(entry: Entry): boolean {
    return this.#control(EPOLL_CTL_MOD, entry) === 0
  }

  #control(operation: number, { fd, id, interest }: Entry): number {
    this.#event.writeUInt32LE(interestBits[interest], 0)
    this.#event.writeUInt32LE(id, dataAt)
    return libc().epoll_ctl(this.#epoll, operation, fd, this.#event)
  }

  /**
   * A descriptor was closed before its watch while another process, or another descriptor, keeps the same file open: the kernel goes on
   * telling of it and has no way to take it out. A new set has it no more.
   */
  #rebuild(): void {
    this.#handle?.close()
    libc().close(this.#epoll)
    this.#handle = undefined
    this.#open()
    for (const entry of this.#entries.values()) {
      if (!entry.added) continue
      entry.added = this.#control(EPOLL_CTL_ADD, entry) === 0
    }
  }

  #reference(entry: Entry, referenced: boolean): void {
    if (entry.referenced === referenced || (referenced && entry.closed)) return
    entry.referenced = referenced
    this.#references += referenced ? 1 : -1
    if (this.#references === 0) this.#handle?.unref()
    else if (referenced && this.#references === 1) this.#handle?.ref()
  }

  #newId(): number {
    while (this.#entries.has(this.#nextId)) this.#nextId = (this.#nextId + 1) >>> 0
    const id = this.#nextId
    this.#nextId = (id + 1) >>> 0
    return id
  }
}

const EEXIST = 17

function tell({ listener, interest }: Entry, bits: number): void {
  // A hang-up is told as readiness too: the read or write that follows tells what it is.
  const hangup = (bits & (EPOLLHUP | EPOLLERR)) !== 0
  const readable = interest !== 'write' && (hangup || (bits & (EPOLLIN | EPOLLRDHUP)) !== 0)
  const writable = interest !== 'read' && (hangup || (bits & EPOLLOUT) !== 0)
  if (!readable && !writable) return
  try {
    listener({ readable, writable, hangup })
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}
