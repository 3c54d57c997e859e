import { LibpodError } from '../../base/errors.ts'
import type { Zod } from '../../base/schema.ts'
import type { ContainersSection } from '../../config/containers-conf.ts'

/** What runs in the container, and how. @public */
export interface ProcessOptions {
  /** Arguments for the entrypoint, or the program itself where there is none; the image's if not given. */
  readonly command?: readonly string[] | undefined
  /** The program, with arguments that come before `command`. `[]` or `['']` takes the image's entrypoint away. */
  readonly entrypoint?: readonly string[] | undefined
  /** Environment variables, added to the image's. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Give the container the proxy variables of this process (`http_proxy` and its like), as Podman does: `true` if not given. */
  readonly httpProxy?: boolean | undefined
  /** The working directory, an absolute path; the image's if not given, else `/`. It is made if it is not there. */
  readonly workdir?: string | undefined
  /** Give the program a terminal. */
  readonly tty?: boolean | undefined
  /** Keep its stdin open, for `attach`. */
  readonly stdin?: boolean | undefined
}

/** The process options as they are stored. */
export interface NormalizedProcess {
  /** The program and its arguments as they are started. */
  readonly args: readonly string[]
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  /** The image's and the caller's; those that every container has are added at each start. */
  readonly env: Readonly<Record<string, string>>
  readonly httpProxy: boolean
  readonly workdir: string
  readonly tty: boolean
  readonly stdin: boolean
}

/** What of an image's configuration is used here. */
export interface ProcessImage {
  readonly env?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly workdir?: string
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export const processShape = (z: Zod) => {
  const text = z.string().refine((value) => !value.includes('\0'), 'must not contain a NUL byte')
  return {
    command: z.array(text).optional(),
    entrypoint: z.array(text).optional(),
    env: envShape(z).optional(),
    httpProxy: z.boolean().optional(),
    workdir: text.startsWith('/', 'must be an absolute path').optional(),
    tty: z.boolean().optional(),
    stdin: z.boolean().optional(),
  }
}

/** The schema of environment variables, wherever some are given. */
export const envShape = (z: Zod) =>
  z.record(
    z.string().regex(/^[^=\0]+$/, 'is not the name of an environment variable'),
    z.string().refine((value) => !value.includes('\0'), 'must not contain a NUL byte'),
  )

export function normalizeProcess(options: ProcessOptions, image: ProcessImage, defaults: ContainersSection): NormalizedProcess {
  const entrypoint = [...(options.entrypoint ?? image.entrypoint ?? [])]
  const command = composeCommand(options, image)
  const args = [...(isReset(entrypoint) ? [] : entrypoint), ...command]
  if (args.length === 0) {
    throw new LibpodError(
      'invalid-argument',
      'command: neither the options nor the image say what to run.',
      { path: 'command' },
      { hint: "Pass a command, as in ['sleep', '60']." },
    )
  }
  return {
    args,
    entrypoint,
    command,
    env: { ...imageEnv(image.env ?? []), ...options.env },
    httpProxy: options.httpProxy ?? defaults.httpProxy,
    workdir: options.workdir ?? (image.workdir === undefined || image.workdir === '' ? '/' : absolute(image.workdir)),
    tty: options.tty ?? false,
    stdin: options.stdin ?? false,
  }
}

/** The image's command goes with the image's entrypoint: whoever gives another entrypoint does without it. */
function composeCommand({ command, entrypoint }: ProcessOptions, image: ProcessImage): string[] {
  if (command !== undefined && command.length > 0) return [...command]
  return entrypoint !== undefined && entrypoint.length > 0 ? [] : [...(image.command ?? [])]
}

function isReset(entrypoint: readonly string[]): boolean {
  return entrypoint.length === 1 && entrypoint[0] === ''
}

/** An entry without `=` would be taken from the host's environment by Podman; here nothing leaks from there. */
function imageEnv(entries: readonly string[]): Record<string, string> {
  const env: Record<string, string> = {}
  for (const entry of entries) {
    const equals = entry.indexOf('=')
    if (equals > 0) env[entry.slice(0, equals)] = entry.slice(equals + 1)
  }
  return env
}

function absolute(path: string): string {
  return path.startsWith('/') ? path : `/${path}`
}

/** The environment of a container's program: what every container has, then what its options say, then what depends on its user and name. */
export function processEnv(input: {
  readonly options: Pick<NormalizedProcess, 'env' | 'httpProxy'>
  readonly hostname: string
  readonly home: string
  readonly defaults: Pick<ContainersSection, 'env'>
  readonly proxies: Readonly<Record<string, string>>
}): Record<string, string> {
  const { options, hostname, home, defaults, proxies } = input
  return {
    PATH: defaultPath,
    TERM: 'xterm',
    container: 'podman',
    HOME: home,
    HOSTNAME: hostname,
    ...defaults.env,
    ...(options.httpProxy ? proxies : {}),
    ...options.env,
  }
}

/** `NAME=value`, as `process.env` of the OCI wants it. */
export function envList(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`)
}
