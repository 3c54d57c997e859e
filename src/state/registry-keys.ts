import { LibpodError } from '../base/errors.ts'

export function objectKey(kind: string, id: string): string {
  return `object/${kind}/${id}`
}

export function summaryKey(kind: string, id: string): string {
  return `summary/${kind}/${id}`
}

export function nameKey(scope: string, name: string): string {
  return `name/${scope}/${name}`
}

/** Where the users of an object stand (`link` is `kind/id`), or all links. */
export function linksPrefix(link?: string): string {
  return link === undefined ? 'link/' : `link/${link}/`
}

/** The entry by which `user` keeps `link` from being removed; both are `kind/id`. */
export function linkKey(link: string, user: string): string {
  return `${linksPrefix(link)}${user}`
}

/** An object in one word, as links name it. */
export function wordOf(kind: string, id: string): string {
  return `${kind}/${id}`
}

/** The kind and id of a `kind/id`. */
export function splitWord(word: string): { readonly kind: string; readonly id: string } {
  const at = word.indexOf('/')
  return { kind: word.slice(0, at), id: word.slice(at + 1) }
}

/** No id is longer; every store takes keys of such ids. */
const longestId = 255

/** Ids and kinds are parts of keys: a slash would let one object's keys run into another's. */
export function checkId(id: string): void {
  if (typeof id === 'string' && id !== '' && id.length <= longestId && !/[/\0]/.test(id)) return
  throw new LibpodError(
    'invalid-argument',
    `id: ${typeof id === 'string' ? JSON.stringify(id.slice(0, longestId)) : `a value of the type ${typeof id}`} cannot be the id of an object.`,
    { path: 'id', value: id },
    { hint: 'Give the full id, as list() and inspect() tell it.' },
  )
}
