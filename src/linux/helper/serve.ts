import { Socket } from 'node:net'
import { AsyncQueue } from '../../base/async-queue.ts'
import { LibpodError, serializeError } from '../../base/errors.ts'
import { receiveDescriptor } from '../native/descriptor-message.ts'
import type { HelperOperation } from './helper.ts'
import { descriptorsFd, encodeMessage, type FromHelper, helperFd, messageReader, type ToHelper } from './protocol.ts'

/** Options of {@link serveHelper}. */
export interface ServeHelperOptions {
  readonly fd?: number
  /** The host closed the channel or died. What this returns is waited for; then the helper ends. */
  readonly onClosed?: () => void | Promise<void>
}

interface Running {
  readonly messages: AsyncQueue<unknown>
  readonly abort: AbortController
  listening: boolean
}

/** The helper's side of the channel: runs the host's calls, as many at a time as it sends, until the host is gone. */
export function serveHelper(
  operations: Readonly<Record<string, HelperOperation>>,
  { fd = helperFd, onClosed }: ServeHelperOptions = {},
): void {
  const socket = new Socket({ fd, readable: true, writable: true })
  const running = new Map<number, Running>()
  const send = (message: FromHelper): void => {
    // A host that is gone hears nothing any more; its end is handled below.
    if (socket.writable) socket.write(encodeMessage(message))
  }
  const receive = messageReader<ToHelper>((message) => {
    // Taken at once: the next call's are behind them.
    if (message.type === 'call') return void run(message, takeDescriptors(message.descriptors))
    const call = running.get(message.id)
    if (message.type === 'message') call?.messages.push(message.message)
    else if (message.type === 'end') call?.messages.end()
    else if (call !== undefined) {
      send({ type: 'cancelling', id: message.id, listening: call.listening })
      call.abort.abort(new LibpodError('closed', 'The host gave this call up.', { what: 'helper call' }))
    }
  })
  const run = async ({ id, operation, params }: Extract<ToHelper, { type: 'call' }>, descriptors: readonly number[]): Promise<void> => {
    const call: Running = { messages: new AsyncQueue(), abort: new AbortController(), listening: false }
    running.set(id, call)
    try {
      if (!Object.hasOwn(operations, operation)) throw unknownOperation(operation)
      const context = {
        send: (message: unknown) => send({ type: 'message', id, message }),
        messages: call.messages,
        descriptors,
        get signal() {
          call.listening = true
          return call.abort.signal
        },
      }
      send({ type: 'result', id, result: await operations[operation]?.(params, context) })
    } catch (error) {
      send({ type: 'error', id, error: serializeError(error) })
    } finally {
      running.delete(id)
    }
  }
  socket.on('data', receive)
  // The reason does not matter: without a host there is nothing left to do.
  socket.on('error', () => {})
  socket.once('close', () => void end(onClosed))
  send({ type: 'ready' })
}

function takeDescriptors(count: number): number[] {
  return Array.from({ length: count }, () => receiveDescriptor(descriptorsFd)).filter((fd) => fd !== undefined)
}

async function end(onClosed: ServeHelperOptions['onClosed']): Promise<void> {
  try {
    await onClosed?.()
  } catch (error) {
    process.stderr.write(`libpod-ts helper: ${error instanceof Error ? error.stack : String(error)}\n`)
    process.exit(1)
  }
  process.exit(0)
}

function unknownOperation(operation: string): LibpodError<'internal'> {
  return new LibpodError(
    'internal',
    `The helper program knows no operation ${operation}.`,
    { what: operation },
    { hint: 'It is probably of another version: copy dist/helpers of the installed version to helpersDir.' },
  )
}
