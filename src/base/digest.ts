import { crypto } from './crypto.ts'
import { LibpodError } from './errors.ts'

/** A content digest as OCI writes it: `sha256:` and 64 hex digits (`sha512:` and 128 also occur). @public */
export type Digest = `${'sha256' | 'sha512'}:${string}`

const shapes = { sha256: /^[0-9a-f]{64}$/, sha512: /^[0-9a-f]{128}$/ } as const

/** Whether a text is a well-formed digest of an algorithm that is known here. */
export function isDigest(text: string): text is Digest {
  const [algorithm, hex, ...rest] = text.split(':')
  return rest.length === 0 && (algorithm === 'sha256' || algorithm === 'sha512') && hex !== undefined && shapes[algorithm].test(hex)
}

/** Checks a digest that came from outside; `path` says where it stood. */
export function parseDigest(text: string, path: string): Digest {
  if (isDigest(text)) return text
  throw new LibpodError(
    'invalid-argument',
    `${path}: ${JSON.stringify(text)} is not a digest.`,
    { path, value: text },
    { hint: 'A digest is sha256: and 64 hex digits.' },
  )
}

/** The digest of bytes or text. */
export function digestOf(data: Uint8Array | string, algorithm: 'sha256' | 'sha512' = 'sha256'): Digest {
  return `${algorithm}:${crypto().createHash(algorithm).update(data).digest('hex')}`
}

/** The two halves of a digest. */
export function splitDigest(digest: Digest): { readonly algorithm: 'sha256' | 'sha512'; readonly hex: string } {
  const at = digest.indexOf(':')
  return { algorithm: digest.slice(0, at) as 'sha256' | 'sha512', hex: digest.slice(at + 1) }
}
