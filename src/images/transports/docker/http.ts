import type { SecureContext } from 'node:tls'
import type { Dispatcher } from 'undici'
import type { AbortOptions } from '../../../base/abort.ts'
import type { RegistryCertificates } from '../../../config/certificates.ts'

/** How a client reaches one host. */
export interface HttpClientOptions {
  /** Accept any certificate. */
  readonly insecure: boolean
  readonly certificates: RegistryCertificates | undefined
  /** The authorities that are trusted, in PEM; Node's own if not given. */
  readonly systemAuthorities: string | undefined
  /** The proxy's address. */
  readonly proxy: string | undefined
  /** So long the other side may say nothing. */
  readonly stallMs: number
}

/** One request. */
export interface HttpRequest extends AbortOptions {
  readonly url: URL
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** An answer. Its body must be read, or dropped. */
export interface HttpResponse {
  readonly url: URL
  readonly status: number
  header(name: string): string | undefined
  /** All values of a header that may come several times. */
  headers(name: string): readonly string[]
  readonly body: AsyncIterable<Buffer>
  /** Reads the body, at most so much of it; what is longer ends with `complete: false`. */
  read(mostBytes: number): Promise<{ readonly data: Buffer; readonly complete: boolean }>
  /** Lets go of the body. */
  drop(): void
}

/** A client for one host, with its connections. */
export interface HttpClient {
  /** Sends a request and gives what comes back, whatever its status; redirections are not followed. */
  request(request: HttpRequest): Promise<HttpResponse>
  close(): Promise<void>
}

/** So long a connection may take to be there. */
const connectMs = 15_000

/** Opens a client. undici is loaded here, which takes some 40 ms the first time. */
export async function openHttpClient({ proxy, stallMs, ...options }: HttpClientOptions): Promise<HttpClient> {
  const [{ Agent, ProxyAgent }, tls] = await Promise.all([import('undici'), tlsOptions(options)])
  const common = { headersTimeout: stallMs, bodyTimeout: stallMs, maxHeaderSize: 64 * 1024 }
  const timeout = Math.min(connectMs, stallMs)
  const dispatcher: Dispatcher =
    proxy === undefined
      ? new Agent({ ...common, connect: { ...tls, timeout } })
      : new ProxyAgent({ ...common, uri: proxy, requestTls: { ...tls, timeout }, proxyTls: { timeout } })
  return {
    async request({ url, method = 'GET', headers = {}, body, signal }) {
      const answer = await dispatcher.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: { 'user-agent': 'libpod-ts', ...headers },
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
      })
      return describe(url, answer)
    },
    close: () => dispatcher.destroy(),
  }
}

/** What node:tls is told. Its context is made once: it takes milliseconds, and there are several connections. */
async function tlsOptions({
  insecure,
  certificates,
  systemAuthorities,
}: Pick<HttpClientOptions, 'insecure' | 'certificates' | 'systemAuthorities'>): Promise<{
  readonly rejectUnauthorized: boolean
  readonly secureContext?: SecureContext
}> {
  const { authorities = [], client } = certificates ?? {}
  if (authorities.length === 0 && client === undefined && systemAuthorities === undefined) return { rejectUnauthorized: !insecure }
  const { createSecureContext, rootCertificates } = await import('node:tls')
  // A list of one's own takes the place of the usual one; it is meant to be added to it.
  const ca = [...(systemAuthorities === undefined ? rootCertificates : [systemAuthorities]), ...authorities]
  return { rejectUnauthorized: !insecure, secureContext: createSecureContext({ ca, ...client }) }
}

function describe(url: URL, { statusCode, headers, body }: Dispatcher.ResponseData): HttpResponse {
  const all = (name: string): readonly string[] => [headers[name] ?? []].flat()
  // Whoever drops it does not want to hear how it ends.
  body.on('error', () => {})
  return {
    url,
    status: statusCode,
    header: (name) => all(name)[0],
    headers: all,
    body: body as AsyncIterable<Buffer>,
    async read(mostBytes) {
      const chunks: Buffer[] = []
      let size = 0
      for await (const chunk of body as AsyncIterable<Buffer>) {
        chunks.push(chunk)
        size += chunk.length
        if (size > mostBytes) return { data: Buffer.concat(chunks).subarray(0, mostBytes), complete: false }
      }
      return { data: Buffer.concat(chunks), complete: true }
    },
    drop: () => void body.destroy(),
  }
}
