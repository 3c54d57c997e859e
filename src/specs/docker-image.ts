import { lazySchema } from '../base/schema.ts'

/** The media types of Docker's image manifest version 2, schema 2. */
export const dockerMediaTypes = {
  list: 'application/vnd.docker.distribution.manifest.list.v2+json',
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar',
  layerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  layerZstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
} as const

/** Its first schema, which no registry has made for years. */
export const dockerSchema1MediaTypes = [
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
  'application/vnd.docker.distribution.manifest.v1+json',
] as const

/** One image in the `manifest.json` of what `docker save` writes. */
export interface DockerArchiveItem {
  readonly Config: string
  readonly RepoTags: readonly string[]
  readonly Layers: readonly string[]
}

/** The `manifest.json` of a docker-archive. */
export const dockerArchiveSchema = lazySchema<readonly DockerArchiveItem[]>((z) =>
  z.array(
    z.object({
      Config: z.string(),
      RepoTags: z
        .array(z.string())
        .nullish()
        .transform((list) => list ?? []),
      Layers: z
        .array(z.string())
        .nullish()
        .transform((list) => list ?? []),
    }),
  ),
)
