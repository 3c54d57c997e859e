import type { AbortOptions } from '../../../base/abort.ts'
import { once } from '../../../base/once.ts'
import type { RegistryAccess } from '../../../config/registry-access.ts'
import type { SourceCredentials } from '../../transport.ts'
import { Authorizer } from './authorizer.ts'
import { brokenOff, type FailureContext, protocolError, refusal } from './failures.ts'
import { type HttpClient, type HttpRequest, type HttpResponse, openHttpClient } from './http.ts'
import { proxyFor } from './proxy.ts'

/** What a session is opened with. */
export interface SessionOptions {
  /** `host[:port]`, as references name it. */
  readonly registry: string
  readonly scope: string
  readonly tls: 'verify' | 'optional'
  readonly access: RegistryAccess
  readonly stallMs: number
  credentials(signal: AbortSignal | undefined): Promise<SourceCredentials | undefined>
}

/** What is asked of a registry. */
export interface RegistryRequest extends AbortOptions, Pick<FailureContext, 'what' | 'kind' | 'ref'> {
  /** Below `/v2/`. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Statuses besides those of success that the caller takes for answers. */
  readonly also?: readonly number[]
}

const redirections: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const mostRedirections = 5
/** The first answer names what is wanted; a token may have run out since. */
const mostAnswers = 2
/** Docker Hub's images are not where its name leads. */
const hosts: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' }

/** Requests to one registry about one repository: authorized where it is asked for, followed where they lead. */
export class RegistrySession {
  readonly #options: SessionOptions
  readonly #clients = new Map<string, Promise<HttpClient>>()
  readonly #authorizer: Authorizer
  readonly #origin = once(() => this.#findOrigin())
  readonly #closed = new AbortController()

  constructor(options: SessionOptions) {
    this.#options = options
    const { registry, scope, credentials, tls } = options
    this.#authorizer = new Authorizer({
      registry,
      scope,
      plainHttp: tls === 'optional',
      credentials,
      send: (request) => this.#follow(request, undefined),
    })
  }

  /** The registry's answer, if it is one of success; otherwise rejects with what it means. */
  async get({ path, headers = {}, also = [], what, kind, ref, signal }: RegistryRequest): Promise<HttpResponse> {
    const { registry } = this.#options
    try {
      const origin = await this.#origin()
      for (let answers = 0; ; answers++) {
        const authorization = this.#authorizer.header
        const request = { url: new URL(`${origin}/v2/${path}`), headers, signal }
        const response = await this.#follow(request, authorization, what)
        if ((response.status >= 200 && response.status < 300) || also.includes(response.status)) return response
        const mayAnswer = response.status === 401 && response.url.origin === origin && answers < mostAnswers
        if (mayAnswer && (await this.#authorizer.answer(response, authorization, { signal }))) {
          response.drop()
          continue
        }
        const authenticated = await this.#authorizer.knowsCredentials(signal)
        throw await refusal(response, { registry, what, kind, ref, authenticated })
      }
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  }

  async close(): Promise<void> {
    this.#closed.abort()
    for (const client of this.#clients.values()) await (await client.catch(() => undefined))?.close()
    this.#clients.clear()
  }

  /** Where the registry is. Plain HTTP is tried only where that is good enough, and only when TLS leads nowhere. */
  async #findOrigin(): Promise<string> {
    const { registry, tls } = this.#options
    const host = hosts[registry] ?? registry
    const secure = `https://${host}`
    if (tls === 'verify') return secure
    try {
      const url = new URL(`${secure}/v2/`)
      const response = await (await this.#client(url)).request({ url, signal: this.#closed.signal })
      response.drop()
      return secure
    } catch {
      return `http://${host}`
    }
  }

  /** Follows redirections. What authorizes is for the first host only: another one must not learn of it. */
  async #follow(request: HttpRequest, authorization: string | undefined, what = lastPart(request.url)): Promise<HttpResponse> {
    const { registry, tls } = this.#options
    let { url } = request
    const { authorization: own, ...others } = request.headers ?? {}
    for (let hops = 0; ; hops++) {
      const secret = url.origin === request.url.origin ? (authorization ?? own) : undefined
      const headers = { ...others, ...(secret === undefined ? {} : { authorization: secret }) }
      const response = await this.#send({ ...request, url, headers }, what)
      if (!redirections.has(response.status)) return response
      response.drop()
      const location = response.header('location')
      if (hops === mostRedirections) throw protocolError(registry, 'leads from one place to the next without an end')
      if (request.method === 'POST' || location === undefined || !URL.canParse(location, url.href))
        throw protocolError(registry, 'leads to nowhere')
      const next = new URL(location, url.href)
      if (next.protocol !== 'https:' && next.protocol !== 'http:') throw protocolError(registry, `leads to a place of ${next.protocol}`)
      if (next.protocol === 'http:' && url.protocol === 'https:' && tls === 'verify')
        throw protocolError(registry, `leads from TLS to ${next.host} without TLS`)
      next.username = ''
      next.password = ''
      url = next
    }
  }

  async #send(request: HttpRequest, what: string): Promise<HttpResponse> {
    const { signal, url } = request
    try {
      return await (await this.#client(url)).request(request)
    } catch (error) {
      signal?.throwIfAborted()
      throw brokenOff(error, { registry: url.host, what })
    }
  }

  #client(url: URL): Promise<HttpClient> {
    const known = this.#clients.get(url.origin)
    if (known) return known
    const opened = this.#open(url)
    this.#clients.set(url.origin, opened)
    return opened
  }

  async #open(url: URL): Promise<HttpClient> {
    const { access, tls, stallMs } = this.#options
    const secure = url.protocol === 'https:'
    const [certificates, systemAuthorities] = secure
      ? await Promise.all([access.certificates(url.host), tls === 'verify' ? access.systemAuthorities() : undefined])
      : []
    return openHttpClient({ insecure: tls === 'optional', certificates, systemAuthorities, proxy: proxyFor(url, access.proxies), stallMs })
  }
}

/** What an address is about, for messages of requests that nobody named. */
function lastPart({ pathname }: URL): string {
  return pathname.split('/').at(-1) || 'images'
}
