import { type Digest, isDigest } from '../base/digest.ts'
import { LibpodError } from '../base/errors.ts'

/**
 * A reference to an image, taken apart: `[domain/]path[:tag][@digest]`. The grammar is that of the distribution project,
 * which Docker and Podman share.
 */
export interface ImageReference {
  /** The registry, `localhost` for images without one; absent in a short name. */
  readonly domain?: string
  readonly path: string
  readonly tag?: string
  readonly digest?: Digest
}

const label = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const domainShape = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`)
const componentShape = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const tagShape = /^\w[\w.-]{0,127}$/
const longestName = 255
const dockerHub = 'docker.io'

/** Takes a reference apart. Rejects what is none with `invalid-argument` at `path`. */
export function parseReference(text: string, path = 'reference'): ImageReference {
  const refuse = (why: string, hint = 'A reference is [registry/]name[:tag][@digest], as docker.io/library/alpine:3.'): never => {
    throw new LibpodError(
      'invalid-argument',
      `${path}: ${typeof text === 'string' ? JSON.stringify(text) : `a value of the type ${typeof text}`} is not a reference to an image: ${why}.`,
      { path, value: text },
      { hint },
    )
  }
  if (typeof text !== 'string') return refuse('it is not a text')
  if (text === '') return refuse('it is empty')
  if (/^[0-9a-f]{64}$/.test(text)) return refuse('64 hexadecimal digits are an id, not a name')
  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  const tagged = at < 0 ? text : text.slice(0, at)
  if (digest !== undefined && !isDigest(digest)) return refuse('what follows "@" is not a digest', 'A digest is sha256: and 64 hex digits.')
  const colon = tagged.lastIndexOf(':')
  const hasTag = colon > tagged.lastIndexOf('/')
  const name = hasTag ? tagged.slice(0, colon) : tagged
  const tag = hasTag ? tagged.slice(colon + 1) : undefined
  if (tag !== undefined && !tagShape.test(tag))
    return refuse('the tag is malformed', 'A tag has at most 128 letters, digits, "_", "." and "-", and begins with none of the last two.')
  const { domain, path: repository } = splitDomain(name)
  if (domain !== undefined && !domainShape.test(domain)) return refuse(`${JSON.stringify(domain)} is not a registry's host[:port]`)
  if (domain !== undefined && !hasPossiblePort(domain))
    return refuse(`${JSON.stringify(domain)} has a port that is none`, 'Ports go from 1 to 65535.')
  if (/[A-Z]/.test(repository)) return refuse('the name has capital letters', 'Names of repositories are in lower case.')
  if (!repository.split('/').every((component) => componentShape.test(component))) return refuse('the name is malformed')
  if (name.length > longestName) return refuse(`the name is longer than ${longestName} characters`)
  return {
    ...(domain === undefined ? {} : { domain }),
    path: repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}

function hasPossiblePort(domain: string): boolean {
  const [, port] = /:([0-9]+)$/.exec(domain) ?? []
  return port === undefined || (Number(port) >= 1 && Number(port) <= 65_535)
}

/** What stands before the first slash is a registry if it could not be the part of a name. */
function splitDomain(name: string): { readonly domain?: string; readonly path: string } {
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  const isDomain = first === 'localhost' || /[.:]/.test(first) || first !== first.toLowerCase()
  return isDomain ? { domain: first, path: name.slice(slash + 1) } : { path: name }
}

/** The text of a reference. */
export function formatReference({ domain, path, tag, digest }: ImageReference): string {
  return `${domain === undefined ? '' : `${domain}/`}${path}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

/** Docker Hub's names in their full form: `docker.io/alpine` is `docker.io/library/alpine`. */
export function withFullPath(reference: ImageReference): ImageReference {
  const domain = reference.domain === 'index.docker.io' ? dockerHub : reference.domain
  if (domain === undefined) return reference
  const path = domain === dockerHub && !reference.path.includes('/') ? `library/${reference.path}` : reference.path
  return { ...reference, domain, path }
}

/** The full name of a text: a short one belongs to `registry`, the tag is `latest` if there is none. */
export function normalizeName(text: string, path = 'tag', registry = 'localhost'): string {
  const reference = parseReference(text, path)
  if (reference.digest !== undefined) {
    throw new LibpodError(
      'invalid-argument',
      `${path}: ${JSON.stringify(text)} has a digest, which is nobody's to give.`,
      { path, value: text },
      { hint: 'Leave out the part from "@" on.' },
    )
  }
  return formatReference({ ...withFullPath({ ...reference, domain: reference.domain ?? registry }), tag: reference.tag ?? 'latest' })
}

/** The full names that a reference may mean in the local store, the likeliest first; with a digest the tag does not count. */
export function lookupCandidates(reference: ImageReference): readonly ImageReference[] {
  const { digest, ...rest } = reference
  const base: ImageReference = digest === undefined ? { ...rest, tag: rest.tag ?? 'latest' } : withoutTag(reference)
  if (base.domain !== undefined) return distinct([base, withFullPath(base)])
  return [base, { ...base, domain: 'localhost' }, withFullPath({ ...base, domain: dockerHub })]
}

function withoutTag({ tag: _, ...rest }: ImageReference): ImageReference {
  return rest
}

function distinct(references: readonly ImageReference[]): readonly ImageReference[] {
  const seen = new Set<string>()
  return references.filter((reference) => !seen.has(formatReference(reference)) && seen.add(formatReference(reference)))
}

/** A full name without its tag and digest. */
export function repositoryOf(name: string): string {
  const { domain, path } = parseReference(name)
  return formatReference({ ...(domain === undefined ? {} : { domain }), path })
}
