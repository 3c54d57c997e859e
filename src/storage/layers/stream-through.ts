import type { Readable, Writable } from 'node:stream'

/** What comes out of `output` when `source` is written to `input`. Both are ended with it, also when nobody wants the rest. */
export async function* streamThrough(
  source: AsyncIterable<Buffer> | Iterable<Buffer>,
  input: Writable,
  output: Readable,
): AsyncGenerator<Buffer, void> {
  // A reader that is gone shows by what comes out, or does not.
  input.on('error', () => {})
  const feeding = feed(source, input)
  feeding.catch((error: unknown) => output.destroy(error instanceof Error ? error : new Error(String(error))))
  try {
    for await (const chunk of output) yield chunk as Buffer
    await feeding
  } finally {
    output.destroy()
    input.destroy()
    await feeding.catch(() => {})
  }
}

async function feed(source: AsyncIterable<Buffer> | Iterable<Buffer>, input: Writable): Promise<void> {
  for await (const chunk of source) {
    if (input.destroyed) return
    if (chunk.length > 0 && !input.write(chunk)) await drained(input)
  }
  if (!input.destroyed) input.end()
}

/** Also resolves when it never will drain, because it is closed. */
function drained(input: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      input.off('drain', done)
      input.off('close', done)
      resolve()
    }
    input.on('drain', done)
    input.on('close', done)
    if (input.closed) done()
  })
}
