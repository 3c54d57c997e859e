import type { RegistryCredentials } from '../../../config/auth-file.ts'
import { brokenOff, protocolError, refusal } from './failures.ts'
import type { HttpRequest, HttpResponse } from './http.ts'

/** What a token is asked for. */
export interface BearerRequest {
  readonly registry: string
  readonly realm: URL
  readonly service?: string
  readonly scopes: readonly string[]
  readonly credentials: RegistryCredentials | undefined
}

const mostTokenBytes = 1 << 20

/** Gets a token from where the registry says that there are some; without credentials, as nobody in particular. */
export async function fetchBearerToken(
  request: BearerRequest,
  send: (request: HttpRequest) => Promise<HttpResponse>,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { registry, realm, credentials } = request
  const what = 'token for its images'
  const from = realm.host
  const response = await send({ ...httpRequestFor(request), signal })
  if (response.status !== 200) {
    const authenticated = credentials !== undefined
    throw await refusal(response, { registry: from, what: `token for ${registry}`, kind: 'token', ref: registry, authenticated })
  }
  const { data, complete } = await response.read(mostTokenBytes).catch((error: unknown): never => {
    signal?.throwIfAborted()
    throw brokenOff(error, { registry: from, what })
  })
  const token = complete ? tokenIn(data) : undefined
  if (token === undefined) throw protocolError(from, `was asked for a token for ${registry} and sent something else`)
  return token
}

function httpRequestFor({ realm, service, scopes, credentials }: BearerRequest): HttpRequest {
  if (credentials !== undefined && 'identityToken' in credentials) {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'libpod-ts',
      scope: scopes.join(' '),
      refresh_token: credentials.identityToken,
      ...(service === undefined ? {} : { service }),
    })
    return { url: realm, method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form.toString() }
  }
  const url = new URL(realm)
  if (service !== undefined) url.searchParams.set('service', service)
  for (const scope of scopes) url.searchParams.append('scope', scope)
  if (credentials === undefined) return { url }
  url.searchParams.set('account', credentials.username)
  return { url, headers: { authorization: basicHeader(credentials) } }
}

/** Older servers say `token`, OAuth says `access_token`. It becomes part of a header. */
function tokenIn(data: Buffer): string | undefined {
  try {
    const { token, access_token } = JSON.parse(data.toString()) as { readonly token?: unknown; readonly access_token?: unknown }
    const found = [token, access_token].find((one) => typeof one === 'string' && one !== '')
    return typeof found === 'string' && /^[\x21-\x7e]+$/.test(found) ? found : undefined
  } catch {
    return undefined
  }
}

/** The header of a name and a password. */
export function basicHeader({ username, password }: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
