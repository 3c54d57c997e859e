import { randomBytes } from 'node:crypto'

/** A new object id: 64 lower-case hex digits, as libpod's. */
export function newId(): string {
  return randomBytes(32).toString('hex')
}

/** How ids are shown to people: the first 12 digits. */
export function shortId(id: string): string {
  return id.slice(0, 12)
}

/** Whether a text could be an id or the beginning of one. */
export function isIdPrefix(text: string): boolean {
  return /^[0-9a-f]{1,64}$/.test(text)
}
