import { LibpodError } from '../base/errors.ts'
import { isErrno } from './errno.ts'
import { O_NONBLOCK } from './native/constants.ts'
import { libc } from './native/libc.ts'
import { reactor, type Watch } from './reactor.ts'

/** What can happen to an entry of a directory, or (`…_self`, and all but the moves and `create`) to a file that is watched itself. */
export type InotifyEvent = keyof typeof eventBits

/** One thing that happened. */
export interface FileChange {
  readonly event: InotifyEvent
  /** The entry's name in the directory; empty for the watched file or directory itself. */
  readonly name: string
}

/** Options of {@link watchDirectory} and {@link watchFile}. */
export interface WatchOptions {
  readonly events: readonly InotifyEvent[]
  readonly onEvent: (change: FileChange) => void
  /** The kernel's queue was full and events are lost: look at everything yourself. */
  readonly onOverflow: () => void
  /** What was watched is removed or unmounted; nothing more will be told. */
  readonly onGone?: () => void
}

/** A directory or file being watched. It does not keep the process alive unless `ref` is called. */
export interface FileWatcher {
  /** Nothing is told any more. Idempotent. */
  close(): void
  ref(): void
  unref(): void
}

/** What {@link watchDirectory} gives. */
export type DirectoryWatcher = FileWatcher

const eventBits = {
  modify: 0x2,
  attrib: 0x4,
  close_write: 0x8,
  moved_from: 0x40,
  moved_to: 0x80,
  create: 0x100,
  delete: 0x200,
  delete_self: 0x400,
  move_self: 0x800,
} as const

const IN_Q_OVERFLOW = 0x4000
const IN_IGNORED = 0x8000
const IN_ONLYDIR = 0x1000000
const IN_MASK_ADD = 0x20000000
const bufferSize = 64 * 1024

let shared: Inotify | undefined

/** Tells what happens to the entries of a directory, from now on. */
export function watchDirectory(path: string, options: WatchOptions): DirectoryWatcher {
  shared ??= new Inotify()
  return shared.watch(path, IN_ONLYDIR, options)
}

/** Tells what happens to one file, also after it was renamed. */
export function watchFile(path: string, options: WatchOptions): FileWatcher {
  shared ??= new Inotify()
  return shared.watch(path, 0, options)
}

interface Subscriber {
  readonly options: WatchOptions
  readonly mask: number
}

/**
 * All watches of this thread share one inotify instance, since a user may have 128 of them. The kernel gives two watches of the same
 * directory the same number; who wants what is sorted out here.
 */
class Inotify {
  readonly #subscribers = new Map<number, Set<Subscriber>>()
  readonly #referenced = new Set<Subscriber>()
  readonly #buffer = Buffer.alloc(bufferSize)
  #fd = -1
  #watch: Watch | undefined

  watch(path: string, flags: number, options: WatchOptions): FileWatcher {
    this.#open()
    const subscriber: Subscriber = { options, mask: options.events.reduce((mask, event) => mask | eventBits[event], 0) }
    const descriptor = this.#add(path, subscriber.mask | flags | IN_MASK_ADD)
    const subscribers = this.#subscribers.get(descriptor) ?? new Set()
    this.#subscribers.set(descriptor, subscribers.add(subscriber))
    return {
      close: () => this.#close(descriptor, subscriber),
      ref: () => {
        if (this.#subscribers.get(descriptor)?.has(subscriber)) this.#referenced.add(subscriber)
        if (this.#referenced.size > 0) this.#watch?.ref()
      },
      unref: () => this.#unref(subscriber),
    }
  }

  #open(): void {
    if (this.#watch !== undefined) return
    const fd = tooMany(() => libc().inotify_init1(O_NONBLOCK))
    try {
      this.#watch = reactor().watch(fd, 'read', () => this.#read())
    } catch (error) {
      libc().close(fd)
      throw error
    }
    this.#fd = fd
    this.#watch.unref()
  }

  #add(path: string, mask: number): number {
    try {
      return tooMany(() => libc().inotify_add_watch(this.#fd, path, mask))
    } catch (error) {
      this.#closeIfUnused()
      throw error
    }
  }

  #close(descriptor: number, subscriber: Subscriber): void {
    const subscribers = this.#subscribers.get(descriptor)
    if (!subscribers?.delete(subscriber)) return
    this.#unref(subscriber)
    if (subscribers.size > 0) return
    this.#subscribers.delete(descriptor)
    try {
      libc().inotify_rm_watch(this.#fd, descriptor)
    } catch (error) {
      // The kernel was faster: what was watched is gone.
      if (!isErrno(error, 'EINVAL')) throw error
    }
    this.#closeIfUnused()
  }

  #unref(subscriber: Subscriber): void {
    this.#referenced.delete(subscriber)
    if (this.#referenced.size === 0) this.#watch?.unref()
  }

  #closeIfUnused(): void {
    if (this.#subscribers.size > 0 || this.#watch === undefined) return
    this.#watch.close()
    this.#watch = undefined
    libc().close(this.#fd)
    this.#fd = -1
  }

  #read(): void {
    const length = libc().read(this.#fd, this.#buffer) ?? 0
    // A listener may watch and close in turn, so all is read out of the buffer first.
    const events: { readonly descriptor: number; readonly mask: number; readonly name: string }[] = []
    for (let at = 0; at < length; ) {
      const nameLength = this.#buffer.readUInt32LE(at + 12)
      const name = this.#buffer.toString('utf8', at + 16, at + 16 + nameLength)
      const end = name.indexOf('\0')
      events.push({
        descriptor: this.#buffer.readInt32LE(at),
        mask: this.#buffer.readUInt32LE(at + 4),
        name: end < 0 ? name : name.slice(0, end),
      })
      at += 16 + nameLength
    }
    for (const { descriptor, mask, name } of events) {
      if (mask & IN_Q_OVERFLOW) this.#overflow()
      else if (mask & IN_IGNORED) this.#gone(descriptor)
      else this.#tell(descriptor, mask, name)
    }
  }

  #tell(descriptor: number, mask: number, name: string): void {
    for (const subscriber of [...(this.#subscribers.get(descriptor) ?? [])]) {
      const event = (Object.keys(eventBits) as InotifyEvent[]).find((candidate) => mask & subscriber.mask & eventBits[candidate])
      // It may have been closed by one told before it.
      if (event === undefined || !this.#subscribers.get(descriptor)?.has(subscriber)) continue
      safely(() => subscriber.options.onEvent({ event, name }))
    }
  }

  #overflow(): void {
    for (const subscribers of [...this.#subscribers.values()])
      for (const subscriber of [...subscribers]) if (subscribers.has(subscriber)) safely(() => subscriber.options.onOverflow())
  }

  #gone(descriptor: number): void {
    const subscribers = this.#subscribers.get(descriptor)
    if (subscribers === undefined) return
    this.#subscribers.delete(descriptor)
    for (const subscriber of [...subscribers]) {
      this.#unref(subscriber)
      safely(() => subscriber.options.onGone?.())
    }
    this.#closeIfUnused()
  }
}

/** One listener's failure is no other's: it becomes an uncaught exception. */
function safely(tell: () => void): void {
  try {
    tell()
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}

function tooMany<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!isErrno(error, 'ENOSPC', 'EMFILE')) throw error
    const limit = isErrno(error, 'ENOSPC') ? 'fs.inotify.max_user_watches' : 'fs.inotify.max_user_instances (or of open files)'
    throw new LibpodError(
      'unavailable',
      `No more files can be watched: the limit ${limit} is reached.`,
      { what: 'inotify' },
      { cause: error, hint: 'Raise it with sysctl, or end programs that watch many files.' },
    )
  }
}
