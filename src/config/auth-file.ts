import { LibpodError } from '../base/errors.ts'
import { isTable } from './conf-values.ts'

/** What proves to a registry who one is: a name and a password, or the token that a log-in gave. */
export type RegistryCredentials =
  | { readonly username: string; readonly password: string }
  /** Exchanged for tokens of access. */
  | { readonly identityToken: string; readonly username: string }

/** The parts of an `auth.json`, or of Docker's `config.json`, that are used here. */
export interface AuthFile {
  readonly path: string
  readonly auths: Readonly<Record<string, unknown>>
  /** The program that keeps the credentials of a registry: host to its name without `docker-credential-`. */
  readonly helpers: Readonly<Record<string, string>>
  /** The program that keeps all others. */
  readonly store: string | undefined
}

const dockerHub = 'docker.io'
/** What older files call Docker Hub. */
const dockerHubKeys: ReadonlySet<string> = new Set(['index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com'])

/** Reads the text of such a file. Throws `invalid-argument`, without any of its content. */
export function parseAuthFile(path: string, text: string): AuthFile {
  let document: unknown
  try {
    document = text.trim() === '' ? {} : JSON.parse(text)
  } catch {
    // The cause would quote a password.
    throw broken(path, 'it is not JSON')
  }
  if (!isTable(document)) throw broken(path, 'it is not an object')
  const { auths = {}, credHelpers = {}, credsStore } = document
  if (!isTable(auths ?? {})) throw broken(path, 'auths is not an object')
  if (!isTable(credHelpers ?? {}) || !Object.values(credHelpers ?? {}).every((name) => typeof name === 'string'))
    throw broken(path, 'credHelpers is not an object of texts')
  return {
    path,
    auths: (auths ?? {}) as AuthFile['auths'],
    helpers: (credHelpers ?? {}) as AuthFile['helpers'],
    store: typeof credsStore === 'string' && credsStore !== '' ? credsStore : undefined,
  }
}

/** What a file itself says about a repository (`host/path`): the longest key that it lies below. */
export function credentialsIn({ path, auths }: AuthFile, repository: string): RegistryCredentials | undefined {
  let best: unknown
  let longest = 0
  for (const [key, entry] of Object.entries(auths)) {
    const place = plainKey(key)
    if (place.length > longest && `${repository}/`.startsWith(`${place}/`)) [best, longest] = [entry, place.length]
  }
  return best === undefined ? undefined : parseEntry(path, best)
}

/** Docker writes keys as addresses. Only a key without an address may name more than a host. */
function plainKey(key: string): string {
  const plain = /^https?:\/\//.test(key) ? (key.replace(/^https?:\/\//, '').split('/')[0] ?? '') : key.replace(/\/(v[12]\/?)?$/, '')
  return dockerHubKeys.has(plain) ? dockerHub : plain
}

function parseEntry(path: string, entry: unknown): RegistryCredentials | undefined {
  if (!isTable(entry)) throw broken(path, 'an entry of auths is not an object')
  const { auth, identitytoken } = entry
  const [username, password] = typeof auth === 'string' && auth !== '' ? decode(path, auth) : [undefined, undefined]
  if (typeof identitytoken === 'string' && identitytoken !== '') return { identityToken: identitytoken, username: username ?? '' }
  return username === undefined || password === undefined ? undefined : { username, password }
}

function decode(path: string, auth: string): readonly [string, string] {
  const text = Buffer.from(auth, 'base64').toString()
  const colon = text.indexOf(':')
  if (colon < 0) throw broken(path, 'the auth of an entry is not a name and a password in base64')
  // Some versions of Docker pad with zeros.
  return [text.slice(0, colon), text.slice(colon + 1).replace(/\0+$/, '')]
}

function broken(path: string, why: string): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `${path}: the credentials in it cannot be read: ${why}.`,
    { path },
    { hint: 'Correct or remove the file, then log in again.' },
  )
}
