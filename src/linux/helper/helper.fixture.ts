import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { LibpodError } from '../../base/errors.ts'
import type { HelperOperation } from './helper.ts'
import { serveHelper } from './serve.ts'

/** The program that the tests of this folder run as a helper. */
const operations: Readonly<Record<string, HelperOperation>> = {
  echo: (params) => params,
  nothing: () => undefined,
  fail: () => {
    throw new LibpodError('not-found', 'There is no such thing.', { kind: 'thing', ref: 'it' }, { hint: 'Look elsewhere.' })
  },
  failPlainly: () => execFileSync('/nowhere'),
  sum: async (_, { messages, send }) => {
    let sum = 0
    for await (const message of messages) {
      sum += Number(message)
      send({ sum })
    }
    return sum
  },
  wait: async (params) => new Promise((resolve) => setTimeout(resolve, Number(params), 'waited')),
  /** Never lets its loop turn again. */
  hang: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  /** Hangs while its loop turns. */
  never: () => new Promise(() => {}),
  polite: async (params, { signal }) =>
    new Promise((_, reject) =>
      signal.addEventListener('abort', () =>
        setTimeout(() => {
          writeFileSync(String(params), 'cleaned up')
          reject(signal.reason)
        }, 400),
      ),
    ),
  succeedLate: async (_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve('made'))),
  crash: () => {
    setImmediate(() => {
      throw new Error('crashed')
    })
    return new Promise(() => {})
  },
  exit: () => process.exit(5),
}

serveHelper(operations, {
  onClosed: async () => {
    await new Promise((resolve) => setTimeout(resolve, 50))
    const [notice] = process.argv.slice(2)
    if (notice !== undefined) writeFileSync(notice, 'the host is gone')
  },
})
