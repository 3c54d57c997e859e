import type { AbortOptions } from '../../base/abort.ts'
import { LibpodError } from '../../base/errors.ts'
import { longestDelayMs } from '../../base/longest-delay.ts'
import { lazySchema, type Zod } from '../../base/schema.ts'
import { envShape } from '../../oci/spec/process.ts'

/** How a program is started in a running container. @public */
export interface ExecProcessOptions {
  /** Added to the container's own environment. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** `user`, `user:group`, or their numbers; the container's own user if not given. */
  readonly user?: string | undefined
  /** The container's own working directory if not given. */
  readonly workdir?: string | undefined
  /** Give it all capabilities the host has to give. */
  readonly privileged?: boolean | undefined
}

/** Options of {@link Container.exec}; `Encoding` is what `encoding` can be. @public */
export interface ExecOptions<Encoding extends 'utf8' | 'buffer' = 'utf8'> extends ExecProcessOptions, AbortOptions {
  /** What its stdin reads; nothing if not given. */
  readonly input?: string | Uint8Array | undefined
  /** Kill it after so long, in milliseconds; the result then says `timedOut`. */
  readonly timeoutMs?: number | undefined
  /** Keep at most so many bytes of each stream, and drop the rest: 16 MiB if not given; the result then says `truncated`. */
  readonly maxOutputBytes?: number | undefined
  /** `utf8` (default) gives texts, `buffer` the exact bytes. */
  readonly encoding?: Encoding | undefined
}

/** How a program in a container ended. A non-zero exit is a result, not an error. @public */
export interface ExecResult<Output extends string | Buffer = string> {
  /** 128 + n after signal n. */
  readonly exitCode: number
  readonly stdout: Output
  readonly stderr: Output
  /** It was killed because `timeoutMs` was over. */
  readonly timedOut: boolean
  /** There was more output than `maxOutputBytes`. */
  readonly truncated: boolean
}

/** Options of {@link Container.spawn}. @public */
export interface SpawnOptions extends ExecProcessOptions, AbortOptions {
  /** Give it a stdin that the caller writes. */
  readonly stdin?: boolean | undefined
  /** Give it a terminal: everything it writes comes through `stdout`. */
  readonly tty?: boolean | { readonly rows: number; readonly columns: number } | undefined
}

const execShape = (z: Zod) => ({
  env: envShape(z).optional(),
  user: z.string().optional(),
  workdir: z.string().startsWith('/', 'must be an absolute path').optional(),
  privileged: z.boolean().optional(),
  signal: z.instanceof(AbortSignal).optional(),
})

const schemas = {
  exec: lazySchema((z) =>
    z.strictObject({
      ...execShape(z),
      input: z.union([z.string(), z.instanceof(Uint8Array)]).optional(),
      timeoutMs: z.number().positive().max(longestDelayMs).optional(),
      maxOutputBytes: z.int().min(0).optional(),
      encoding: z.enum(['utf8', 'buffer']).optional(),
    }),
  ),
  spawn: lazySchema((z) =>
    z.strictObject({
      ...execShape(z),
      stdin: z.boolean().optional(),
      tty: z.union([z.boolean(), z.strictObject({ rows: z.int().min(1).max(65535), columns: z.int().min(1).max(65535) })]).optional(),
    }),
  ),
}

/** Checks the command and options of an exec, or of a spawn. */
export async function checkExec(
  verb: keyof typeof schemas,
  command: readonly string[],
  options: ExecOptions<'utf8' | 'buffer'> | SpawnOptions,
): Promise<void> {
  if (!Array.isArray(command) || command.length === 0 || !command.every((arg) => typeof arg === 'string' && !arg.includes('\0'))) {
    throw new LibpodError(
      'invalid-argument',
      'command: must be a list of texts, the program first.',
      { path: 'command', value: command },
      {
        hint: "Pass ['sh', '-c', '…'] to use a shell.",
      },
    )
  }
  await schemas[verb].parse(options)
}
