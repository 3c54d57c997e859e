import type { AbortOptions } from '../../../base/abort.ts'
import type { RegistryCredentials } from '../../../config/auth-file.ts'
import type { SourceCredentials } from '../../transport.ts'
import { type BearerRequest, basicHeader, fetchBearerToken } from './bearer-token.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import { protocolError } from './failures.ts'
import type { HttpRequest, HttpResponse } from './http.ts'

/** What an authorizer works with. */
export interface AuthorizerOptions {
  readonly registry: string
  /** What is to be done, as `repository:library/alpine:pull`. */
  readonly scope: string
  /** A token server may be asked without TLS. */
  readonly plainHttp: boolean
  /** Asked once, when the registry wants to know. */
  credentials(signal: AbortSignal | undefined): Promise<SourceCredentials | undefined>
  /** Sends a request to whatever host, without any authorization but that in its headers. */
  send(request: HttpRequest): Promise<HttpResponse>
}

/** What is sent along, as an `Authorization` header, once the registry has said what it wants. Nothing is sent before that. */
export class Authorizer {
  readonly #options: AuthorizerOptions
  #header: string | undefined
  /** Several requests that are refused at the same time get one answer. */
  #answering: { readonly refused: string | undefined; readonly answer: Promise<string | undefined> } | undefined
  #credentials: Promise<SourceCredentials | undefined> | undefined

  constructor(options: AuthorizerOptions) {
    this.#options = options
  }

  /** What is to be sent along at present. */
  get header(): string | undefined {
    return this.#header
  }

  /** Whether credentials were found: a refusal then means something else. */
  async knowsCredentials(signal: AbortSignal | undefined): Promise<boolean> {
    return this.#credentials !== undefined && (await this.#known(signal)) !== undefined
  }

  /** Answers a 401 to a request that carried `refused`. `false`: there is nothing else to be said. */
  async answer(response: HttpResponse, refused: string | undefined, { signal }: AbortOptions): Promise<boolean> {
    // Another request was quicker.
    if (this.#header !== refused) return true
    if (this.#answering === undefined || this.#answering.refused !== refused) {
      const answering = { refused, answer: this.#find(parseChallenges(response.headers('www-authenticate')), signal) }
      answering.answer
        .catch(() => {})
        .finally(() => {
          if (this.#answering === answering) this.#answering = undefined
        })
      this.#answering = answering
    }
    const found = await this.#answering.answer
    if (found === undefined || found === refused) return false
    this.#header = found
    return true
  }

  async #find(challenges: readonly Challenge[], signal: AbortSignal | undefined): Promise<string | undefined> {
    const credentials = await this.#known(signal)
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer')
    if (credentials !== undefined && 'token' in credentials) return `Bearer ${credentials.token}`
    if (bearer) return `Bearer ${await this.#token(bearer, credentials, signal)}`
    const basic = challenges.some(({ scheme }) => scheme === 'basic')
    return basic && credentials !== undefined && 'password' in credentials ? basicHeader(credentials) : undefined
  }

  #token({ parameters }: Challenge, credentials: RegistryCredentials | undefined, signal: AbortSignal | undefined): Promise<string> {
    const { registry, scope, plainHttp, send } = this.#options
    const { realm, service, scope: wanted } = parameters
    if (realm === undefined || !URL.canParse(realm)) throw protocolError(registry, 'wants a token but does not say from where')
    const url = new URL(realm)
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && plainHttp))
      throw protocolError(registry, `wants a token from ${url.protocol}//${url.host}, where anybody could read along`)
    const scopes = [...new Set([scope, ...(wanted === undefined || wanted === '' ? [] : wanted.split(' '))])]
    const request: BearerRequest = { registry, realm: url, scopes, ...(service === undefined ? {} : { service }), credentials }
    return fetchBearerToken(request, send, signal)
  }

  #known(signal: AbortSignal | undefined): Promise<SourceCredentials | undefined> {
    this.#credentials ??= this.#options.credentials(signal)
    return this.#credentials
  }
}
