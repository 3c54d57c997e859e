import { createHash } from 'node:crypto'
import { pack } from 'tar-stream'

/** An entry of a tarball that is made for a test, with whatever a hostile one could say. */
export interface Entry {
  readonly name: string
  readonly type?: 'file' | 'directory' | 'symlink' | 'link' | 'fifo' | 'character-device' | 'block-device'
  readonly linkname?: string
  readonly content?: string | Buffer
  readonly mode?: number
}

/** A tarball. */
export async function tarball(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack()
  for (const { name, type = 'file', linkname, content = '', mode = type === 'directory' ? 0o755 : 0o644 } of entries) {
    const header = { name, type, mode, mtime: new Date(0), ...(linkname === undefined ? {} : { linkname }) }
    if (type === 'file') archive.entry(header, Buffer.from(content))
    else archive.entry(header)
  }
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Its digest, as image layouts write it. */
export function digestOf(data: string | Buffer): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`
}

/** What of a well-formed image layout is to be spoilt. */
export interface LayoutChanges {
  readonly layer?: Buffer
  readonly config?: object
  readonly manifest?: object
  readonly index?: object | string
  readonly layout?: string
  /** Takes and gives the entries of the archive. */
  entries?(entries: Entry[]): Entry[]
}

/** An oci-archive of one image with one layer. */
export async function layoutArchive(changes: LayoutChanges = {}): Promise<Buffer> {
  const layer = changes.layer ?? (await tarball([{ name: 'file', content: 'content' }]))
  const config = JSON.stringify({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    ...changes.config,
  })
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(config), size: config.length },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: digestOf(layer), size: layer.length }],
    ...changes.manifest,
  })
  const index = {
    schemaVersion: 2,
    manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf(manifest), size: manifest.length }],
  }
  const blob = (data: string | Buffer): Entry => ({ name: `blobs/${digestOf(data).replace(':', '/')}`, content: data })
  const entries: Entry[] = [
    { name: 'oci-layout', content: changes.layout ?? '{"imageLayoutVersion":"1.0.0"}' },
    { name: 'index.json', content: typeof changes.index === 'string' ? changes.index : JSON.stringify({ ...index, ...changes.index }) },
    blob(manifest),
    blob(config),
    blob(layer),
  ]
  return tarball(changes.entries?.(entries) ?? entries)
}
