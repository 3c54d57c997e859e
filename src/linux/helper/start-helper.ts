import type { Logger } from '../../base/logger.ts'
import { AF_UNIX, SOCK_SEQPACKET, SOCK_STREAM } from '../native/constants.ts'
import { libc } from '../native/libc.ts'
import type { ExitStatus } from '../process/exit-status.ts'
import { type SpawnedProcess, spawnProcess } from '../process/spawn.ts'
import { DescriptorSender } from './descriptor-sender.ts'
import { HelperProcess } from './helper-process.ts'
import { describeExit } from './lost.ts'

/** What {@link startHelper} is told. */
export interface StartHelperOptions {
  /** The helper's program: a JavaScript file that calls `serveHelper`. */
  readonly file: string
  readonly args?: readonly string[]
  /** Arguments for Node itself. */
  readonly nodeArgs?: readonly string[]
  /** A program and its arguments that run Node in their turn, as `nsenter` does. */
  readonly prefix?: readonly string[]
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
  /** Where its stderr goes; nowhere if not given. */
  readonly stderr?: number
  readonly logger: Logger
  /** It ended, asked to or not. */
  readonly onExit?: (status: ExitStatus) => void
}

/**
 * Starts a helper in a session of its own, so that no Ctrl-C meant for the host reaches it. It need not be ready: calls made before are
 * kept in the channel.
 */
export async function startHelper({
  file,
  args = [],
  nodeArgs = [],
  prefix,
  env,
  stderr,
  logger,
  onExit,
}: StartHelperOptions): Promise<HelperProcess> {
  const [ours, theirs] = libc().socketpair(AF_UNIX, SOCK_STREAM)
  const [giving, taking] = libc().socketpair(AF_UNIX, SOCK_SEQPACKET)
  const [program, ...rest] = [...(prefix ?? []), process.execPath, ...nodeArgs, file, ...args]
  let child: SpawnedProcess
  try {
    child = spawnProcess({
      file: program ?? process.execPath,
      args: rest,
      env,
      cwd: '/',
      stdio: ['ignore', 'ignore', stderr ?? 'ignore', theirs, taking],
      setsid: true,
    })
  } catch (error) {
    for (const fd of [ours, giving]) libc().close(fd)
    throw error
  } finally {
    for (const fd of [theirs, taking]) libc().close(fd)
  }
  const helper = new HelperProcess(child, ours, new DescriptorSender(giving))
  helper.exited.then(
    (status) => {
      if (status.code !== 0 && !helper.givenUp) logger.warn(`The helper process ${helper.pid} ended: ${describeExit(status)}.`)
      onExit?.(status)
    },
    (error: unknown) => logger.error(`The end of the helper process ${helper.pid} cannot be told: ${String(error)}`),
  )
  return helper
}
