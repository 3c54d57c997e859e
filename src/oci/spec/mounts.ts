import { LibpodError } from '../../base/errors.ts'
import type { Zod } from '../../base/schema.ts'
import type { ContainersSection } from '../../config/containers-conf.ts'
import { type ContainerMount, type NormalizedMount, normalizeMount, normalPath } from './mount.ts'

/** What is mounted in the container besides its root filesystem. @public */
export interface MountsOptions {
  /** Folders and files of the host, volumes, images, and file systems in memory. */
  readonly mounts?: readonly ContainerMount[] | undefined
  /**
   * What becomes of the places that the image declares as volumes, where nothing else is mounted: `anonymous` volumes (default),
   * `tmpfs`, or nothing (`ignore`).
   */
  readonly imageVolumes?: 'anonymous' | 'tmpfs' | 'ignore' | undefined
  /** The root filesystem cannot be written to. */
  readonly readOnly?: boolean | undefined
  /** With `readOnly`: `/run`, `/tmp` and `/var/tmp` can be written to, in memory; `true` if not given. */
  readonly readOnlyTmpfs?: boolean | undefined
  /** Size of `/dev/shm`, in bytes: 64 MiB if not given. */
  readonly shmSizeBytes?: number | undefined
}

/** The mount options as they are stored. */
export interface NormalizedMounts {
  readonly mounts: readonly NormalizedMount[]
  readonly readOnly: boolean
  readonly readOnlyTmpfs: boolean
  readonly shmSizeBytes: number
}

export const mountsShape = (z: Zod) => {
  const path = z
    .string()
    .startsWith('/', 'must be an absolute path')
    .refine((value) => !value.includes('\0'), 'must not contain a NUL byte')
  const target = path.refine((value) => normalPath(value) !== '/', 'must not be the root filesystem itself')
  const options = z.array(z.string().min(1)).optional()
  const readOnly = z.boolean().optional()
  return {
    mounts: z
      .array(
        z.discriminatedUnion(
          'type',
          [
            z.strictObject({ type: z.literal('bind'), source: path, target, readOnly, create: z.boolean().optional(), options }),
            z.strictObject({
              type: z.literal('tmpfs'),
              source: z.literal('tmpfs').optional(),
              target,
              sizeBytes: z.int().min(1).optional(),
              mode: z.int().min(0).max(0o7777).optional(),
              readOnly,
              options,
            }),
            z.strictObject({
              type: z.literal('volume'),
              source: z.string().min(1).optional(),
              target,
              readOnly,
              copy: z.boolean().optional(),
              driver: z.string().min(1).optional(),
              options,
            }),
            z.strictObject({ type: z.literal('image'), source: z.string().min(1), target, readOnly, options }),
          ],
          "must be 'bind', 'image', 'tmpfs' or 'volume'",
        ),
      )
      .optional(),
    imageVolumes: z.enum(['anonymous', 'tmpfs', 'ignore']).optional(),
    readOnly,
    readOnlyTmpfs: z.boolean().optional(),
    shmSizeBytes: z.int().min(4096).optional(),
  }
}

/** Throws `invalid-argument` for an option that is none, for two that contradict each other, and for two mounts in one place. */
export function normalizeMounts(options: MountsOptions, defaults: ContainersSection): NormalizedMounts {
  const mounts = (options.mounts ?? []).map((mount, index) => normalizeMount(mount, `mounts[${index}]`))
  for (const [index, { target }] of mounts.entries()) {
    if (mounts.findIndex((other) => other.target === target) === index) continue
    const path = `mounts[${index}].target`
    throw new LibpodError('invalid-argument', `${path}: there is already a mount at ${target}.`, { path, value: target })
  }
  return {
    mounts,
    readOnly: options.readOnly ?? defaults.readOnly,
    readOnlyTmpfs: options.readOnlyTmpfs ?? true,
    shmSizeBytes: options.shmSizeBytes ?? defaults.shmSizeBytes,
  }
}
