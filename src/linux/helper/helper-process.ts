import { Socket } from 'node:net'
import { onAbort } from '../../base/abort.ts'
import { deserializeError, LibpodError } from '../../base/errors.ts'
import { isErrno } from '../errno.ts'
import type { ExitStatus } from '../process/exit-status.ts'
import type { SpawnedProcess } from '../process/spawn.ts'
import type { DescriptorSender } from './descriptor-sender.ts'
import type { HelperCallOptions } from './helper.ts'
import { describeExit, helperLost } from './lost.ts'
import { encodeMessage, type FromHelper, messageReader, type ToHelper } from './protocol.ts'

/** A helper whose loop does not turn in this time after it was asked to end a call hangs. */
const deafMs = 1_000
/** A call that promised to end has so long for it. */
const patienceMs = 10_000
/** A helper that was told to end has so long for it. */
const closeMs = 10_000
const SIGKILL = 9

interface Pending {
  readonly operation: string
  readonly onMessage: ((message: unknown) => void) | undefined
  readonly settle: (outcome: Outcome) => void
  cancelled?: { readonly reason: unknown; timer: NodeJS.Timeout }
}

type Outcome = { readonly result: unknown } | { readonly error: unknown }

/** One helper process and the calls it runs. It keeps this process alive only while there are some. */
export class HelperProcess {
  readonly pid: number
  readonly exited: Promise<ExitStatus>
  readonly #child: SpawnedProcess
  readonly #socket: Socket
  readonly #descriptors: DescriptorSender
  readonly #pending = new Map<number, Pending>()
  #nextId = 1
  #ready = false
  #state: 'open' | 'closing' | 'lost' = 'open'
  #why: string | undefined
  #givenUp = false

  constructor(child: SpawnedProcess, channel: number, descriptors: DescriptorSender) {
    this.#child = child
    this.#descriptors = descriptors
    this.pid = child.pid
    child.unref()
    this.#socket = new Socket({ fd: channel, readable: true, writable: true })
    this.#socket.unref()
    this.#socket.on(
      'data',
      messageReader<FromHelper>((message) => this.#receive(message)),
    )
    // A broken pipe is the end of the process, and that is noticed below.
    this.#socket.on('error', () => {})
    this.#socket.once('close', () => this.#closed())
    this.exited = child.exited.then((status) => {
      this.#lose(status)
      return status
    })
  }

  /** Whether calls can be made. */
  get usable(): boolean {
    return this.#state === 'open'
  }

  /** See {@link Helper.call}. */
  async call<Result>(operation: string, params: unknown, options: HelperCallOptions = {}): Promise<Result> {
    const { signal, deadlineMs, onMessage, messages, descriptors } = options
    signal?.throwIfAborted()
    if (!this.usable) throw helperLost(operation, this.#why ?? 'it is gone')
    const id = this.#nextId++
    const iterator = messages?.[Symbol.asyncIterator]()
    const outcome = new Promise<Outcome>((settle) => this.#pending.set(id, { operation, onMessage, settle }))
    this.#keepAlive()
    this.#begin({ type: 'call', id, operation, params, descriptors: descriptors?.length ?? 0 }, descriptors)
    if (iterator !== undefined) void this.#pump(id, iterator)
    const release = onAbort(signal, (reason) => this.#cancel(id, reason))
    const timer = deadlineMs === undefined ? undefined : setTimeout(() => this.#cancel(id, tooLate(operation, deadlineMs)), deadlineMs)
    try {
      const settled = await outcome
      if ('error' in settled) throw settled.error
      return settled.result as Result
    } finally {
      release()
      clearTimeout(timer)
      // The messages may be waited for without end; nobody wants them any more.
      Promise.resolve(iterator?.return?.()).catch(() => {})
    }
  }

  /** Whether it was killed because somebody gave up what it was doing: nothing to worry about. */
  get givenUp(): boolean {
    return this.#givenUp
  }

  /** Kills it; its calls reject with what `why` tells. */
  kill(why: string): void {
    if (this.#state === 'lost') return
    this.#why ??= why
    if (this.#state === 'open') this.#state = 'closing'
    this.#child.kill(SIGKILL)
  }

  /** Lets it end, calls and all. */
  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closing'
      for (const id of [...this.#pending.keys()]) this.#settle(id, { error: closed() })
      this.#socket.end()
    }
    this.#child.ref()
    const timer = setTimeout(() => this.kill('it did not end'), closeMs)
    await this.exited
    clearTimeout(timer)
  }

  /** Most often it is the process that ended: then that is the reason, and it is known in a moment. */
  #closed(): void {
    if (this.#state === 'open') this.#state = 'closing'
    setTimeout(() => this.kill('it closed its channel'), deafMs).unref()
  }

  #receive(message: FromHelper): void {
    if (message.type === 'ready') {
      this.#ready = true
      return
    }
    const call = this.#pending.get(message.id)
    if (call === undefined) return
    if (message.type === 'message') notify(call, message.message)
    else if (message.type === 'result') this.#settle(message.id, { result: message.result })
    else if (message.type === 'error') this.#settle(message.id, { error: call.cancelled?.reason ?? deserializeError(message.error) })
    else if (call.cancelled !== undefined) {
      if (!message.listening) {
        this.#giveUp(`${call.operation} was given up`)
        return
      }
      clearTimeout(call.cancelled.timer)
      call.cancelled.timer = setTimeout(() => this.#giveUp(`${call.operation} did not end`), patienceMs)
    }
  }

  /** Of a call that was cancelled nobody wants to know more. */
  #giveUp(why: string): void {
    this.#givenUp = true
    this.kill(why)
  }

  #cancel(id: number, reason: unknown): void {
    const call = this.#pending.get(id)
    if (call === undefined || call.cancelled !== undefined) return
    call.cancelled = { reason, timer: setTimeout(() => this.#giveUp(`${call.operation} hung`), deafMs) }
    this.#send({ type: 'cancel', id })
  }

  #settle(id: number, outcome: Outcome): void {
    const call = this.#pending.get(id)
    if (call === undefined) return
    this.#pending.delete(id)
    clearTimeout(call.cancelled?.timer)
    this.#keepAlive()
    call.settle(outcome)
  }

  /** Somebody who waits for an answer keeps this process alive, and so the helper's channel and end. */
  #keepAlive(): void {
    if (this.#pending.size > 0) {
      this.#socket.ref()
      this.#child.ref()
    } else {
      this.#socket.unref()
      if (this.#state === 'open') this.#child.unref()
    }
  }

  /** A call without descriptors need not wait for those of others. */
  #begin(message: Extract<ToHelper, { type: 'call' }>, descriptors: readonly number[] | undefined): void {
    const send = (): void => this.#send(message)
    if (descriptors === undefined) send()
    else
      this.#descriptors.send(descriptors, send).catch((error: unknown) => {
        // As with the channel: its end settles all calls.
        if (!isErrno(error, 'EPIPE', 'ECONNRESET', 'ENOTCONN')) this.#settle(message.id, { error })
      })
  }

  async #pump(id: number, iterator: AsyncIterator<unknown>): Promise<void> {
    try {
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
        if (!this.#pending.has(id)) return
        this.#send({ type: 'message', id, message: next.value })
      }
      this.#send({ type: 'end', id })
    } catch (error) {
      this.#cancel(id, error)
    }
  }

  #lose(status: ExitStatus): void {
    const why = this.#why ?? describeExit(status)
    this.#state = 'lost'
    this.#why = this.#ready ? why : `${why} before it was ready`
    this.#socket.destroy()
    this.#descriptors.close()
    for (const [id, call] of [...this.#pending])
      this.#settle(id, { error: call.cancelled === undefined ? helperLost(call.operation, this.#why) : call.cancelled.reason })
  }

  #send(message: ToHelper): void {
    if (this.#socket.writable) this.#socket.write(encodeMessage(message))
  }
}

function notify({ onMessage }: Pending, message: unknown): void {
  try {
    onMessage?.(message)
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}

function tooLate(operation: string, deadlineMs: number): LibpodError<'unavailable'> {
  return new LibpodError(
    'unavailable',
    `${operation} did not end within ${deadlineMs} ms and was given up.`,
    { what: operation },
    { hint: 'What it worked on may be damaged, or made to hang.' },
  )
}

export function closed(): LibpodError<'closed'> {
  return new LibpodError('closed', 'The helper process is closed.', { what: 'helper process' }, { hint: 'Open a new runtime.' })
}
