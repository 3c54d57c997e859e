import type { AbortOptions } from '../../base/abort.ts'
import { verbOptions } from '../../base/schema.ts'
import type { PullImageProgress } from './pull-progress.ts'

export const pullPolicies = ['always', 'missing', 'newer', 'never'] as const

/** When an image is fetched: always, if it is not there, if the registry has another, or not at all. @public */
export type PullPolicy = (typeof pullPolicies)[number]

/** Who one is to a registry: a name and a password, or a token of access. @public */
export type PullCredentials = { readonly username: string; readonly password: string } | { readonly token: string }

/** Options of {@link Images.pull}. @public */
export interface PullImageOptions extends AbortOptions {
  /**
   * `always` (the default): ask the registry, and fetch what is not there; `missing`: only if no image of this name is there; `newer`: if
   * the registry has another one, and be content with the one that is there if the registry cannot be asked; `never`: do not ask.
   */
  readonly policy?: PullPolicy | undefined
  /** Which image to take where there are several for different platforms, as `linux/arm64`; that of this host if not given. */
  readonly platform?: string | undefined
  /**
   * `false`: certificates that prove nothing, and plain HTTP, are good enough; `true`: they are not, whatever registries.conf says.
   */
  readonly tlsVerify?: boolean | undefined
  /** Who to be; otherwise what `podman login` or `docker login` has left. */
  readonly credentials?: PullCredentials | undefined
  /** Told how far it is. */
  readonly onProgress?: ((progress: PullImageProgress) => void) | undefined
}

/** Checks the options. */
export const checkPullOptions = verbOptions<PullImageOptions>((z) => ({
  policy: z.enum(pullPolicies).optional(),
  platform: z.string().optional(),
  tlsVerify: z.boolean().optional(),
  credentials: z
    .union([
      z.strictObject({
        username: z
          .string()
          .min(1)
          .regex(/^[^:]+$/, 'must not have a colon in it'),
        password: z.string(),
      }),
      z.strictObject({ token: z.string().regex(/^[\x21-\x7e]+$/, 'must be printable, without spaces') }),
    ])
    .optional(),
  onProgress: z.custom<(progress: PullImageProgress) => void>((value) => typeof value === 'function', 'must be a function').optional(),
}))
