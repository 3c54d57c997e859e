import { LibpodError } from '../../../base/errors.ts'
import type { HttpResponse } from './http.ts'

/** What an error is told about besides the answer. */
export interface FailureContext {
  /** The registry's host. */
  readonly registry: string
  /** What was asked for, as `manifest of docker.io/library/alpine:3`. */
  readonly what: string
  readonly kind: string
  readonly ref: string
  /** Credentials were sent along. */
  readonly authenticated: boolean
}

/** So much of an error page is looked at. */
const mostErrorBytes = 16 * 1024
const longestQuote = 300
/** What passes by itself. */
const passing: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])

/** The error that an answer means. */
export async function refusal(response: HttpResponse, context: FailureContext): Promise<LibpodError> {
  const { status } = response
  const { registry, what, kind, ref } = context
  const said = await saidBy(response)
  if (status === 404) {
    return new LibpodError(
      'not-found',
      `${registry} does not have the ${what}${said}.`,
      { kind, ref },
      { hint: 'Look at its name and tag; some registries answer so to those who may not see it.' },
    )
  }
  const retryAfterMs = retryAfterOf(response)
  return new LibpodError(
    'registry',
    `${registry} answered ${status} when it was asked for the ${what}${said}.`,
    { registry, status, retryable: passing.has(status), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
    { hint: hintFor(status, context) },
  )
}

/** The error of an exchange that broke off, or never began. */
export function brokenOff(error: unknown, { registry, what }: Pick<FailureContext, 'registry' | 'what'>): LibpodError<'registry'> {
  const { code, message } = error as { readonly code?: string; readonly message?: string }
  const plainHttp = code === 'ERR_SSL_WRONG_VERSION_NUMBER' || (code === 'EPROTO' && /wrong version number/.test(message ?? ''))
  if (plainHttp) {
    return new LibpodError(
      'registry',
      `${registry} does not speak TLS.`,
      { registry, retryable: false },
      { cause: error, hint: 'If plain HTTP is good enough, use { tlsVerify: false }, or insecure = true in registries.conf.' },
    )
  }
  if (isCertificateError(code)) {
    return new LibpodError(
      'registry',
      `The certificate of ${registry} is not trusted: ${message ?? code}.`,
      { registry, retryable: false },
      { cause: error, hint: `Put its authority into /etc/containers/certs.d/${registry}/ca.crt, or use { tlsVerify: false }.` },
    )
  }
  return new LibpodError(
    'registry',
    `${registry} could not be asked for the ${what}: ${reasonOf(code, message)}.`,
    { registry, retryable: code !== 'ENOTFOUND' && code !== 'ECONNREFUSED' },
    { cause: error, hint: 'See whether it can be reached from this machine.' },
  )
}

/** An answer that is not what was agreed on. */
export function protocolError(registry: string, why: string, retryable = false): LibpodError<'registry'> {
  return new LibpodError('registry', `${registry} ${why}.`, { registry, retryable }, { hint: 'See whether it is a registry of images.' })
}

function hintFor(status: number, { registry, authenticated }: FailureContext): string {
  if (status === 401 || status === 403)
    return authenticated ? 'Those credentials are wrong, or may not do this.' : `Give { credentials }, or log in: podman login ${registry}.`
  if (status === 429) return 'It limits how much is asked of it; log in, or wait a while.'
  return passing.has(status) ? 'Try again later.' : 'See whether it is a registry of images.'
}

/** The registry's own words, where it has some. */
async function saidBy(response: HttpResponse): Promise<string> {
  try {
    const { data } = await response.read(mostErrorBytes)
    const { errors } = JSON.parse(data.toString()) as {
      readonly errors?: readonly { readonly message?: unknown; readonly code?: unknown }[]
    }
    const [first] = errors ?? []
    const text = typeof first?.message === 'string' && first.message !== '' ? first.message : first?.code
    return typeof text === 'string' ? ` (${text.replace(/[^\x20-\x7e]/g, ' ').slice(0, longestQuote)})` : ''
  } catch {
    return ''
  } finally {
    response.drop()
  }
}

/** Seconds, or a date. */
function retryAfterOf(response: HttpResponse): number | undefined {
  const text = response.header('retry-after')
  if (text === undefined) return undefined
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

function isCertificateError(code: string | undefined): boolean {
  return (
    code !== undefined && /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH)/.test(code)
  )
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'it broke the connection off',
  ENOTFOUND: 'no host has this name',
  EAI_AGAIN: 'its name could not be looked up',
  UND_ERR_SOCKET: 'it broke the connection off',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'it does not answer',
  UND_ERR_BODY_TIMEOUT: 'it stopped in the middle',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'it sent another number of bytes than it said',
  UND_ERR_HEADERS_OVERFLOW: 'its headers are too long',
}

function reasonOf(code: string | undefined, message: string | undefined): string {
  return (
    (code === undefined ? undefined : reasons[code]) ?? (message === undefined || message === '' ? 'it failed' : message.replace(/\.$/, ''))
  )
}
