import { isLibpodError, type LibpodError } from 'libpod-ts'

/** All that a sequence gives. */
export async function collect<T>(sequence: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of sequence) all.push(one)
  return all
}

/** All bytes of a stream. */
export async function bytesOf(stream: AsyncIterable<unknown>): Promise<Buffer> {
  return Buffer.concat((await collect(stream)) as Buffer[])
}

/** The error of this library that something rejects with; anything else fails the test. */
export async function failure(promise: PromiseLike<unknown>): Promise<LibpodError> {
  const result = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('value' in result) throw new Error(`It was expected to fail, but gave ${JSON.stringify(result.value)}.`)
  if (isLibpodError(result.error)) return result.error
  throw result.error
}
