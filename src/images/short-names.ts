import { LibpodError } from '../base/errors.ts'
import type { RegistriesConf } from '../config/registries-conf.ts'
import { type ImageReference, parseReference, withFullPath } from './reference.ts'

/** The full names that a text may mean in registries, the likeliest first. Throws `ambiguous` where nobody may choose among several. */
export function remoteCandidates(text: string, { searchRegistries, shortNameMode, aliases }: RegistriesConf): readonly ImageReference[] {
  const reference = parseReference(text)
  if (reference.domain !== undefined) return [withFullPath(reference)]
  const alias = Object.hasOwn(aliases, reference.path) ? aliases[reference.path] : undefined
  if (alias !== undefined && shortNameMode !== 'disabled') return [fromAlias(reference, alias)]
  const candidates = searchRegistries.map((domain) => withFullPath({ ...reference, ...splitLocation(domain, reference.path) }))
  if (candidates.length === 0) {
    throw new LibpodError(
      'invalid-argument',
      `reference: ${JSON.stringify(text)} names no registry, and registries.conf does not say which to look in.`,
      { path: 'reference', value: text },
      { hint: `Write it in full, as docker.io/library/${reference.path}.` },
    )
  }
  if (candidates.length === 1 || shortNameMode !== 'enforcing') return candidates
  const names = candidates.map(({ domain, path }) => `${domain ?? ''}/${path}`)
  throw new LibpodError(
    'ambiguous',
    `${JSON.stringify(text)} names no registry, and could be ${names.join(' or ')}.`,
    { kind: 'image', ref: text, candidates: names },
    { hint: 'Write the one that is meant in full; short-name-mode in registries.conf forbids to guess.' },
  )
}

function fromAlias({ tag, digest }: ImageReference, alias: string): ImageReference {
  const { domain, path } = parseReference(alias, 'aliases in registries.conf')
  if (domain === undefined) {
    throw new LibpodError(
      'invalid-argument',
      `aliases in registries.conf: ${JSON.stringify(alias)} names no registry itself.`,
      { path: 'aliases', value: alias },
      { hint: 'Write it in full there.' },
    )
  }
  return withFullPath({ domain, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) })
}

/** A search registry may have a part of the name in it. */
function splitLocation(location: string, path: string): { readonly domain: string; readonly path: string } {
  const [domain = '', ...parts] = location.split('/')
  return { domain, path: [...parts, path].join('/') }
}
