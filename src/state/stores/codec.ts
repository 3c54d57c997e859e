import { LibpodError } from '../../base/errors.ts'
import type { Json, StateEntry } from '../state-store.ts'

/** Values are kept as one text, `<version>\n<json>`: nothing else to decode, and readable with any tool. */
export function encodeEntry(version: string, json: string): string {
  return `${version}\n${json}`
}

/** The value as JSON text. Done before any transaction, so that what cannot be written never begins one. */
export function encodeValue(key: string, value: Json): string {
  const json = JSON.stringify(value) as string | undefined
  if (json === undefined)
    throw new LibpodError('invalid-argument', `The value of ${JSON.stringify(key)} is not JSON.`, { path: 'value', value })
  return json
}

/** The version an encoded entry carries. */
export function versionOf(text: string): string {
  return text.slice(0, Math.max(0, text.indexOf('\n')))
}

export function decodeEntry(key: string, text: string): StateEntry {
  const at = text.indexOf('\n')
  try {
    return { key, value: JSON.parse(text.slice(at + 1)) as Json, version: text.slice(0, at) }
  } catch (cause) {
    throw new LibpodError(
      'corrupt',
      `The entry ${JSON.stringify(key)} of the state store is damaged.`,
      { what: key },
      { cause, hint: 'Restore the store from a backup, or remove the root and begin anew.' },
    )
  }
}
