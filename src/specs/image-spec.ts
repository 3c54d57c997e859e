import type { Digest } from '../base/digest.ts'
import { lazySchema, type Zod } from '../base/schema.ts'

/** The media types of the OCI image specification 1.1. */
export const ociMediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
} as const

/** Annotations of the OCI image specification (and containerd's own) that are used here. */
export const ociAnnotations = {
  refName: 'org.opencontainers.image.ref.name',
  /** containerd and BuildKit keep the full name here and only the tag in `refName`. */
  containerdName: 'io.containerd.image.name',
  created: 'org.opencontainers.image.created',
} as const

/** The file that marks an OCI image layout, and what is in it. */
export const ociLayoutFile = 'oci-layout'
export const ociLayoutVersion = '1.0.0'

/** A pointer to a blob. @public */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly annotations?: Readonly<Record<string, string>> | undefined
  readonly platform?: OCIPlatform | undefined
  readonly urls?: readonly string[] | undefined
  readonly artifactType?: string | undefined
}

/** What an image runs on, in Go's names. @public */
export interface OCIPlatform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string | undefined
  readonly 'os.version'?: string | undefined
}

/** A manifest: one image for one platform. */
export interface OCIManifest {
  readonly schemaVersion: 2
  readonly mediaType?: string | undefined
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

/** An index: manifests for several platforms, or what an image layout holds. */
export interface OCIIndex {
  readonly schemaVersion: 2
  readonly mediaType?: string | undefined
  readonly manifests: readonly Descriptor[]
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

/** The part of an image's configuration that says how it is run, in the spelling of the file. */
export interface OCIImageRunConfig {
  readonly User?: string | undefined
  readonly ExposedPorts?: Readonly<Record<string, object>> | undefined
  readonly Env?: readonly string[] | undefined
  readonly Entrypoint?: readonly string[] | undefined
  readonly Cmd?: readonly string[] | undefined
  readonly Volumes?: Readonly<Record<string, object>> | undefined
  readonly WorkingDir?: string | undefined
  readonly Labels?: Readonly<Record<string, string>> | undefined
  readonly StopSignal?: string | undefined
  /** Docker's, and Podman's in Docker's format: what builds on top of this image run first. */
  readonly OnBuild?: readonly string[] | undefined
}

/** One step of an image's making. */
export interface OCIHistory {
  readonly created?: string | undefined
  readonly created_by?: string | undefined
  readonly author?: string | undefined
  readonly comment?: string | undefined
  readonly empty_layer?: boolean | undefined
}

/** An image's configuration; its digest is the image's id. */
export interface OCIImageConfig {
  readonly created?: string | undefined
  readonly author?: string | undefined
  readonly architecture: string
  readonly os: string
  readonly variant?: string | undefined
  readonly config?: OCIImageRunConfig | undefined
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] }
  readonly history?: readonly OCIHistory[] | undefined
}

const digestText = (z: Zod) => z.templateLiteral([z.enum(['sha256', 'sha512']), ':', z.string().regex(/^([0-9a-f]{64}|[0-9a-f]{128})$/)])
/** Go writes an absent list or map as null. */
const texts = (z: Zod) =>
  z
    .array(z.string())
    .nullish()
    .transform((list) => list ?? undefined)
const textMap = (z: Zod) =>
  z
    .record(z.string(), z.string())
    .nullish()
    .transform((map) => map ?? undefined)
const nameSet = (z: Zod) =>
  z
    .record(z.string(), z.looseObject({}))
    .nullish()
    .transform((map) => map ?? undefined)
const text = (z: Zod) =>
  z
    .string()
    .nullish()
    .transform((value) => value ?? undefined)

const descriptor = (z: Zod) =>
  z.object({
    mediaType: z.string(),
    digest: digestText(z),
    size: z.number().int().nonnegative(),
    annotations: textMap(z),
    platform: z
      .object({ os: z.string(), architecture: z.string(), variant: text(z), 'os.version': text(z) })
      .nullish()
      .transform((value) => value ?? undefined),
    urls: texts(z),
    artifactType: text(z),
  })

/** A manifest, OCI or Docker v2 schema 2: the two have the same shape. */
export const manifestSchema = lazySchema<OCIManifest>((z) =>
  z.object({
    schemaVersion: z.literal(2),
    mediaType: text(z),
    config: descriptor(z),
    layers: z.array(descriptor(z)),
    annotations: textMap(z),
  }),
)

/** An index, OCI or Docker manifest list. */
export const indexSchema = lazySchema<OCIIndex>((z) =>
  z.object({ schemaVersion: z.literal(2), mediaType: text(z), manifests: z.array(descriptor(z)), annotations: textMap(z) }),
)

/** An image's configuration, OCI or Docker. */
export const imageConfigSchema = lazySchema<OCIImageConfig>((z) =>
  z.object({
    created: text(z),
    author: text(z),
    architecture: z.string(),
    os: z.string(),
    variant: text(z),
    config: z
      .object({
        User: text(z),
        ExposedPorts: nameSet(z),
        Env: texts(z),
        Entrypoint: texts(z),
        Cmd: texts(z),
        Volumes: nameSet(z),
        WorkingDir: text(z),
        Labels: textMap(z),
        StopSignal: text(z),
        OnBuild: texts(z),
      })
      .nullish()
      .transform((value) => value ?? undefined),
    rootfs: z.object({
      type: z.literal('layers'),
      diff_ids: z
        .array(digestText(z))
        .nullish()
        .transform((list) => list ?? []),
    }),
    history: z
      .array(
        z.object({
          created: text(z),
          created_by: text(z),
          author: text(z),
          comment: text(z),
          empty_layer: z
            .boolean()
            .nullish()
            .transform((value) => value ?? undefined),
        }),
      )
      .nullish()
      .transform((list) => list ?? undefined),
  }),
)
