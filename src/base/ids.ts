import { randomBytes } from 'node:crypto'

/** A new object id: 64 lower-case hex digits, as libpod's. */
export function newId(): string {
  return randomBytes(32).toString('hex')
}

/** Whether a text could be an id or the beginning of one. */
export function isIdPrefix(text: string): boolean {
  return /^[0-9a-f]{1,64}$/.test(text)
}
