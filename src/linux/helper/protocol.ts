import type { SerializedError } from '../../base/errors.ts'

/** What the host sends: one JSON object on each line. */
export type ToHelper =
  /** `descriptors` of them were sent before it, one message each, on the other channel. */
  | { readonly type: 'call'; readonly id: number; readonly operation: string; readonly params: unknown; readonly descriptors: number }
  | { readonly type: 'message'; readonly id: number; readonly message: unknown }
  | { readonly type: 'end'; readonly id: number }
  | { readonly type: 'cancel'; readonly id: number }

/** What the helper sends. */
export type FromHelper =
  | { readonly type: 'ready' }
  | { readonly type: 'message'; readonly id: number; readonly message: unknown }
  | { readonly type: 'result'; readonly id: number; readonly result: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: SerializedError }
  /** The answer to `cancel`: whether the operation listens. */
  | { readonly type: 'cancelling'; readonly id: number; readonly listening: boolean }

/** The descriptor on which a helper speaks with its host. */
export const helperFd = 3
/** The one on which it is handed descriptors: in a user namespace it cannot take them from its host by itself. */
export const descriptorsFd = 4

export function encodeMessage(message: ToHelper | FromHelper): string {
  return `${JSON.stringify(message)}\n`
}

/** Puts pieces of a stream together to messages. */
export function messageReader<Message extends ToHelper | FromHelper>(onMessage: (message: Message) => void): (data: Buffer) => void {
  let rest: Buffer[] = []
  return (data) => {
    let from = 0
    for (let end = data.indexOf(newline); end >= 0; end = data.indexOf(newline, from)) {
      const line = Buffer.concat([...rest, data.subarray(from, end)])
      rest = []
      from = end + 1
      onMessage(JSON.parse(line.toString()) as Message)
    }
    if (from < data.length) rest.push(data.subarray(from))
  }
}

const newline = 0x0a
