import { LibpodError } from '../../base/errors.ts'
import type { LogDriver } from '../log-driver.ts'

/**
 * Makes the driver that keeps nothing: what a container writes goes only to those who are attached.
 *
 * @public
 */
export function noneLogDriver(): LogDriver {
  return {
    name: 'none',
    monitorArgs: () => ['-l', 'none'],
    read: () => refuse(),
    readRaw: () => refuse(),
    remove: async () => {},
  }
}

// biome-ignore lint/correctness/useYield: it fails at the first step, as reading a file would.
async function* refuse(): AsyncGenerator<never, void> {
  throw new LibpodError(
    'unsupported',
    'The log of this container is not kept: it was created with the log driver none.',
    { what: 'logs with the log driver none' },
    { hint: 'Create it with log: { driver: "k8s-file" }, or attach to it before it starts.' },
  )
}
