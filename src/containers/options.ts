import type { AbortOptions } from '../base/abort.ts'
import { LibpodError } from '../base/errors.ts'
import { longestDelayMs } from '../base/longest-delay.ts'
import { checkName } from '../base/names.ts'
import { lazySchema, type Zod } from '../base/schema.ts'
import { type PullImageOptions, type PullPolicy, pullPolicies } from '../images/pull/pull-options.ts'
import { parseSignal } from '../linux/signals.ts'
import { type DnsOptions, dnsShape, type NormalizedDns } from '../network/dns-option.ts'
import { type NormalizedPorts, type PortsOptions, portsShape } from '../network/ports-option.ts'
import { type NormalizedSpecOptions, type SpecOptions, specOptionsShape } from '../oci/spec/spec-options.ts'
import type { RestartPolicy } from './restart-policy.ts'

/** What a container's output is kept by. @public */
export interface ContainerLogOptions {
  /** `k8s-file` (default; the CRI format; `json-file` is an alias, as with Podman) or `none`. */
  readonly driver?: 'k8s-file' | 'json-file' | 'none' | undefined
  /** Where the log file lies; in the engine's root if not given. */
  readonly path?: string | undefined
  /** Begin the file anew when it grows beyond this. */
  readonly maxSizeBytes?: number | undefined
}

/** What a container is made of: {@link Containers.create}. All but `image` or `rootfs` is optional. @public */
export interface CreateContainerOptions extends SpecOptions, PortsOptions, DnsOptions, AbortOptions {
  /** The image: a name, an id or the beginning of one. Either this or `rootfs`. */
  readonly image?: string | undefined
  /**
   * When the image is fetched from its registry: `missing` (the default: if it is not there), `always`, `newer`, `never`; or all that
   * {@link Images.pull} takes, as credentials, `platform`, `onProgress`.
   */
  readonly pull?: PullPolicy | Omit<PullImageOptions, 'signal'> | undefined
  /** An exploded root filesystem: an absolute path of a folder, used as it is. Either this or `image`. */
  readonly rootfs?: string | undefined
  /** Unique among containers and pods; a readable one is made up if not given. */
  readonly name?: string | undefined
  /** Shown in lists and events, and usable in filters. */
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** When to start it again by itself. */
  readonly restart?: RestartPolicy | undefined
  /** Remove it when it has ended (and is not restarted): `podman run --rm`. */
  readonly autoRemove?: boolean | undefined
  /** The OCI runtime by name (`crun`, `runc`); the first that works on this host if not given. */
  readonly runtime?: string | undefined
  /** The log. */
  readonly log?: ContainerLogOptions | undefined
  /** What `stop` sends: a name or number; the image's, else SIGTERM. */
  readonly stopSignal?: string | number | undefined
  /** How long `stop` waits before SIGKILL, in milliseconds: 10,000 if not given. */
  readonly stopTimeoutMs?: number | undefined
  /** The parent of the container's cgroup: a path (cgroupfs) or a slice (systemd). In a pod it is the pod's. */
  readonly cgroupParent?: string | undefined
  /** The pod it is in, by id or name: it shares the pod's namespaces, and may use what the pod's limits leave. */
  readonly pod?: string | undefined
}

/** The create options as they are stored: complete, plain JSON. */
export interface StoredOptions extends NormalizedSpecOptions, NormalizedPorts, NormalizedDns {
  /** The program and its arguments as they are started. */
  readonly args: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly restart: RestartPolicy
  readonly autoRemove: boolean
  readonly log: { readonly driver: string; readonly maxSizeBytes?: number }
  readonly stopSignal: number
  readonly stopTimeoutMs: number
  readonly cgroupParent?: string
  readonly rootfs?: string
}

const ownShape = (z: Zod) => ({
  image: z.string().min(1).optional(),
  pull: z
    .union([z.enum(pullPolicies), z.looseObject({})], "must be 'always', 'missing', 'newer', 'never', or the options of a pull")
    .optional(),
  rootfs: z
    .string()
    .regex(/^\/[^\0\n]*$/, 'must be an absolute path')
    .optional(),
  name: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  restart: z
    .strictObject({ policy: z.enum(['no', 'on-failure', 'always', 'unless-stopped']), maxRetries: z.int().min(0).optional() })
    .optional(),
  autoRemove: z.boolean().optional(),
  runtime: z.string().min(1).optional(),
  log: z
    .strictObject({
      driver: z.enum(['k8s-file', 'json-file', 'none']).optional(),
      // conmon takes what follows a colon for something else.
      path: z
        .string()
        .regex(/^\/[^\0\n:]*$/, 'must be an absolute path without a colon')
        .optional(),
      maxSizeBytes: z.int().min(4096).optional(),
    })
    .optional(),
  stopSignal: z.union([z.string(), z.int()]).optional(),
  stopTimeoutMs: z.number().min(0).max(longestDelayMs).optional(),
  cgroupParent: z
    .string()
    .regex(/^[^\0\n]+$/, 'must be a path or a slice')
    .optional(),
  pod: z.string().min(1).optional(),
  signal: z.instanceof(AbortSignal).optional(),
})

const schema = lazySchema<CreateContainerOptions>(
  (z) => z.strictObject({ ...specOptionsShape(z), ...portsShape(z), ...dnsShape(z), ...ownShape(z) }) as never,
)

/** Checks what the caller asks for, by itself: no look at the store or the host yet. Rejects with `invalid-argument` and the option's path. */
export async function checkCreateOptions(options: CreateContainerOptions): Promise<CreateContainerOptions> {
  const checked = await schema.parse(options)
  if ((checked.image === undefined) === (checked.rootfs === undefined)) {
    throw new LibpodError(
      'invalid-argument',
      `image: give ${checked.image === undefined ? 'an image or a rootfs' : 'either an image or a rootfs, not both'}.`,
      {
        path: 'image',
      },
    )
  }
  if (checked.name !== undefined) checkName(checked.name)
  if (checked.stopSignal !== undefined) parseSignal(checked.stopSignal, 'stopSignal')
  if (checked.autoRemove && checked.restart && checked.restart.policy !== 'no' && checked.restart.policy !== 'on-failure') {
    throw new LibpodError(
      'invalid-argument',
      `autoRemove: a container with the restart policy ${checked.restart.policy} never ends.`,
      { path: 'autoRemove' },
      {
        hint: 'Use one or the other.',
      },
    )
  }
  return checked
}
