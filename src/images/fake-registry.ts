import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type Digest, digestOf } from '../base/digest.ts'
import type { Descriptor } from '../specs/image-spec.ts'

/** A registry for tests, in this process: it can be told to misbehave. */
export interface FakeRegistry {
  /** `127.0.0.1:port`. */
  readonly host: string
  /** All that was asked, as `GET /v2/…`. */
  readonly asked: string[]
  /** What stood in the Authorization header of each request. */
  readonly authorizations: (string | undefined)[]
  /** Answers in its place if it gives true. */
  misbehave: ((request: IncomingMessage, response: ServerResponse, url: URL) => boolean) | undefined
  /** Keeps a document or a blob. */
  put(data: Buffer | object, mediaType?: string): Descriptor
  /** Gives a document a tag. */
  tag(name: string, document: Descriptor): void
  /** The bytes of a digest. */
  bytes(digest: string): Buffer
  close(): Promise<void>
}

export async function fakeRegistry(): Promise<FakeRegistry> {
  const blobs = new Map<string, { readonly data: Buffer; readonly mediaType: string }>()
  const tags = new Map<string, Digest>()
  const asked: string[] = []
  const authorizations: (string | undefined)[] = []
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://fake')
    asked.push(`${request.method ?? ''} ${url.pathname}`)
    authorizations.push(request.headers.authorization)
    if (self.misbehave?.(request, response, url) === true) return
    const [, kind, name = ''] = /^\/v2\/.+\/(manifests|blobs)\/([^/]+)$/.exec(url.pathname) ?? []
    const found = blobs.get(tags.get(name) ?? name)
    if (url.pathname === '/v2/') return void response.end('{}')
    if (kind === undefined || found === undefined)
      return void response.writeHead(404).end('{"errors":[{"code":"NOT_FOUND","message":"unknown"}]}')
    send(request, response, found, kind === 'manifests')
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const self: FakeRegistry = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    authorizations,
    misbehave: undefined,
    put(given, mediaType = 'application/octet-stream') {
      const data = Buffer.isBuffer(given) ? given : Buffer.from(JSON.stringify(given))
      const digest = digestOf(data)
      blobs.set(digest, { data, mediaType })
      return { mediaType, digest, size: data.length }
    },
    tag: (name, { digest }) => void tags.set(name, digest),
    bytes: (digest) => blobs.get(digest)?.data ?? Buffer.alloc(0),
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
  return self
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { data, mediaType }: { readonly data: Buffer; readonly mediaType: string },
  isManifest: boolean,
): void {
  const [, start] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? []
  const from = start === undefined ? 0 : Number(start)
  response.writeHead(start === undefined ? 200 : 206, {
    'content-type': mediaType,
    'content-length': data.length - from,
    ...(start === undefined ? {} : { 'content-range': `bytes ${from}-${data.length - 1}/${data.length}` }),
    ...(isManifest ? { 'docker-content-digest': digestOf(data) } : {}),
  })
  response.end(data.subarray(from))
}
