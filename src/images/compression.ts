import { dockerMediaTypes } from '../specs/docker-image.ts'
import { ociMediaTypes } from '../specs/image-spec.ts'

export { type Compression, detectCompression, magicBytes } from '../storage/layers/compression.ts'

/** The media type of a layer with this compression. */
export const layerMediaTypes = { none: ociMediaTypes.layer, gzip: ociMediaTypes.layerGzip, zstd: ociMediaTypes.layerZstd } as const

const foreignOCI = 'application/vnd.oci.image.layer.nondistributable.v1.tar'
const foreignDocker = 'application/vnd.docker.image.rootfs.foreign.diff.tar'

/** Every media type of a layer that can be extracted. */
export const knownLayerTypes: ReadonlySet<string> = new Set([
  ociMediaTypes.layer,
  ociMediaTypes.layerGzip,
  ociMediaTypes.layerZstd,
  dockerMediaTypes.layer,
  dockerMediaTypes.layerGzip,
  dockerMediaTypes.layerZstd,
  foreignOCI,
  `${foreignOCI}+gzip`,
  `${foreignOCI}+zstd`,
  foreignDocker,
  `${foreignDocker}.gzip`,
])
