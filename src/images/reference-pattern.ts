import { repositoryOf } from './reference.ts'

/**
 * Whether a full name matches a pattern of `filters.reference`: `*` and `?` stand for anything but a slash. A pattern
 * is compared with the name as it is and without its registry (and Docker Hub's `library/`), each with its tag and without.
 */
export function matchesReference(name: string, pattern: string): boolean {
  const shape = patternOf(pattern)
  const short = name.replace(/^docker\.io\/(library\/)?/, '').replace(/^localhost\//, '')
  const bare = name.slice(name.indexOf('/') + 1)
  return [name, short, bare].some((form) => shape.test(form) || shape.test(repositoryOf(form)))
}

function patternOf(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '[^/]*')
    .replace(/\?/g, '[^/]')
  return new RegExp(`^${source}$`)
}
