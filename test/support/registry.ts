import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { eventually } from './eventually.ts'

/** How a registry is to be. */
export interface RegistryOptions {
  /** Certificate and key: it speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Names and passwords are asked for. */
  readonly users?: Readonly<Record<string, string>>
  /** Tokens are asked for: who gives them, and the certificate they are signed with. */
  readonly token?: { readonly realm: string; readonly service: string; readonly issuer: string; readonly bundle: string }
}

/** A registry of Debian's, a process and a folder of its own. */
export interface TestRegistry {
  /** `127.0.0.1:port`. */
  readonly host: string
  /** Every request so far, as `GET /v2/… 200`. */
  requests(): Promise<readonly string[]>
  close(): Promise<void>
}

export async function startRegistry({ tls, users, token }: RegistryOptions = {}): Promise<TestRegistry> {
  const directory = await mkdtemp(join(tmpdir(), 'libpod-ts-registry-'))
  const host = `127.0.0.1:${await freePort()}`
  const auth: string[] = []
  if (users !== undefined) {
    const lines = Object.entries(users).map(([name, password]) =>
      execFileSync('htpasswd', ['-nbB', name, password], { encoding: 'utf8' }).trim(),
    )
    await writeFile(join(directory, 'htpasswd'), `${lines.join('\n')}\n`)
    auth.push('auth:', '  htpasswd:', '    realm: test', `    path: ${directory}/htpasswd`)
  }
  if (token !== undefined) {
    const { realm, service, issuer, bundle } = token
    auth.push(
      'auth:',
      '  token:',
      `    realm: ${realm}`,
      `    service: ${service}`,
      `    issuer: ${issuer}`,
      `    rootcertbundle: ${bundle}`,
    )
  }
  const config = [
    'version: 0.1',
    'log: { level: error, accesslog: { disabled: false } }',
    `storage: { filesystem: { rootdirectory: ${directory}/data }, delete: { enabled: true } }`,
    'http:',
    `  addr: ${host}`,
    ...(tls === undefined ? [] : ['  tls:', `    certificate: ${tls.cert}`, `    key: ${tls.key}`]),
    ...auth,
  ]
  await writeFile(join(directory, 'config.yml'), `${config.join('\n')}\n`)
  const child = spawn('docker-registry', ['serve', join(directory, 'config.yml')], { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (log += data.toString()))
  const close = async (): Promise<void> => {
    await stop(child)
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await eventually(() => {
      if (child.exitCode !== null) throw new Error(`The registry ended: ${log}`)
      execFileSync('curl', ['-sk', `${tls === undefined ? 'http' : 'https'}://${host}/v2/`, '-o', '/dev/null'])
    }, 10_000)
  } catch (error) {
    await close()
    throw error
  }
  return {
    host,
    async requests() {
      const lines = log.matchAll(/"([A-Z]+) (\S+) HTTP\/[\d.]+" (\d+)/g)
      return [...lines].map(([, method, path, status]) => `${method} ${path} ${status}`)
    },
    close,
  }
}

/** Puts an archive of an image into a registry, with a program that is not ours. */
export function push(archive: string, to: string, ...args: readonly string[]): void {
  const all = [
    'copy',
    '--insecure-policy',
    '--dest-tls-verify=false',
    '--preserve-digests',
    ...args,
    `oci-archive:${archive}`,
    `docker://${to}`,
  ]
  execFileSync('skopeo', all, { stdio: ['ignore', 'ignore', 'pipe'] })
}

/** An image with one more layer than that of an archive, as an image layout that `oci:` names. */
export async function addLayer(archive: string, layout: string): Promise<string> {
  execFileSync('skopeo', ['copy', '--insecure-policy', `oci-archive:${archive}`, `oci:${layout}:one`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const blobs = join(layout, 'blobs/sha256')
  const read = async (name: string): Promise<Document> => JSON.parse(await readFile(name, 'utf8')) as Document
  const put = async (data: Buffer): Promise<{ digest: string; size: number }> => {
    const hex = createHash('sha256').update(data).digest('hex')
    await writeFile(join(blobs, hex), data)
    return { digest: `sha256:${hex}`, size: data.length }
  }
  const blobOf = (digest: string): Promise<Document> => read(join(blobs, digest.slice('sha256:'.length)))
  const index = await read(join(layout, 'index.json'))
  const manifest = await blobOf(index.manifests?.[0]?.digest ?? '')
  const config = await blobOf(manifest.config?.digest ?? '')
  await writeFile(join(layout, 'extra'), 'x'.repeat(100_000))
  const tar = execFileSync('tar', ['-c', '-C', layout, 'extra'])
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...(await put(gzipSync(tar))) }
  const rootfs = {
    type: 'layers',
    diff_ids: [...(config.rootfs?.diff_ids ?? []), `sha256:${createHash('sha256').update(tar).digest('hex')}`],
  }
  const described = { ...manifest.config, ...(await put(Buffer.from(JSON.stringify({ ...config, history: undefined, rootfs })))) }
  const all = { ...manifest, config: described, layers: [...(manifest.layers ?? []), layer] }
  const manifests = [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', ...(await put(Buffer.from(JSON.stringify(all)))) }]
  await writeFile(join(layout, 'index.json'), JSON.stringify({ ...index, manifests }))
  return layout
}

/** What is looked at of the documents of an image layout. */
interface Document {
  readonly manifests?: readonly { readonly digest: string }[]
  readonly config?: { readonly digest: string }
  readonly layers?: readonly object[]
  readonly rootfs?: { readonly diff_ids: readonly string[] }
}

/** An authority and a certificate for 127.0.0.1 made by it, in a folder. */
export async function makeCertificates(directory: string): Promise<{ readonly ca: string; readonly cert: string; readonly key: string }> {
  const at = (name: string): string => join(directory, name)
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...fresh, '-keyout', at('ca.key'), '-out', at('ca.crt'), '-subj', '/CN=test authority', '-days', '2')
  openssl('req', ...fresh, '-keyout', at('server.key'), '-out', at('server.csr'), '-subj', '/CN=127.0.0.1')
  await writeFile(at('names'), 'subjectAltName=IP:127.0.0.1\n')
  const signed = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', at('names')]
  openssl('x509', '-req', '-in', at('server.csr'), '-out', at('server.crt'), ...signed)
  return { ca: await readFile(at('ca.crt'), 'utf8'), cert: at('server.crt'), key: at('server.key') }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('There is no port.')
  return address.port
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
