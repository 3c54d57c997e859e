import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { LibpodError } from '../base/errors.ts'
import { readWithin, whyUnreadable } from '../linux/fs/read-within.ts'
import type { EngineEnvironment } from './environment.ts'

/** Bundles of all authorities there are have a few hundred KiB. */
const maxPemBytes = 16 * 2 ** 20

/** What is known of a registry's TLS. */
export interface RegistryCertificates {
  /** Authorities that are trusted besides the usual ones, in PEM. */
  readonly authorities: readonly string[]
  /** What the client shows of itself. */
  readonly client?: { readonly cert: string; readonly key: string }
}

/**
 * Reads the `certs.d` folder of a registry (`host[:port]`): `*.crt` are authorities, `*.cert` with its `*.key` is the client's. The first
 * folder that is there counts. Rejects with `invalid-argument` for a certificate without its key, and for what cannot be read.
 */
export async function readCertificates(
  registry: string,
  { home }: EngineEnvironment,
  base: string,
): Promise<RegistryCertificates | undefined> {
  const user = home === undefined ? [] : [join(home, '.config/containers/certs.d')]
  for (const folder of [...user, join(base, 'etc/containers/certs.d'), join(base, 'etc/docker/certs.d')]) {
    const place = join(folder, registry)
    const names = await namesIn(place)
    if (names !== undefined) return readFolder(place, names)
  }
  return undefined
}

/** Where distributions keep the authorities that a machine trusts. */
const systemBundles = ['etc/ssl/certs/ca-certificates.crt', 'etc/pki/tls/certs/ca-bundle.crt', 'etc/ssl/cert.pem']

/** The authorities that this machine trusts: other programs do too, and so does whoever added one of their own. */
export async function readSystemAuthorities(base: string): Promise<string | undefined> {
  for (const path of systemBundles) {
    const pem = await readWithin(join(base, path), maxPemBytes).catch(() => undefined)
    if (pem !== undefined) return pem.toString('utf8')
  }
  return undefined
}

async function readFolder(place: string, names: readonly string[]): Promise<RegistryCertificates> {
  const ending = (suffix: string): readonly string[] => names.filter((name) => name.endsWith(suffix)).sort()
  const authorities = await Promise.all(ending('.crt').map((name) => readPem(join(place, name))))
  const [cert] = ending('.cert')
  if (cert === undefined) return { authorities }
  const key = cert.replace(/\.cert$/, '.key')
  if (!names.includes(key)) {
    const path = join(place, key)
    throw new LibpodError(
      'invalid-argument',
      `${path}: the key of ${cert} is missing.`,
      { path },
      { hint: 'Put it there, or take the certificate away.' },
    )
  }
  return { authorities, client: { cert: await readPem(join(place, cert)), key: await readPem(join(place, key)) } }
}

async function readPem(path: string): Promise<string> {
  const pem = await readWithin(path, maxPemBytes).catch((cause: unknown): never => {
    throw unreadable(path, cause)
  })
  return pem.toString('utf8')
}

async function namesIn(folder: string): Promise<readonly string[] | undefined> {
  return readdir(folder).catch((cause: NodeJS.ErrnoException): undefined => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined
    throw unreadable(folder, cause)
  })
}

function unreadable(path: string, cause: unknown): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `${path}: cannot be read (${whyUnreadable(cause)}).`,
    { path },
    { cause, hint: 'Make it readable, or remove it.' },
  )
}
