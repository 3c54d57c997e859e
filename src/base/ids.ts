import { randomHex } from './crypto.ts'

/** A new object id: 64 lower-case hex digits, as libpod's. */
export function newId(): string {
  return randomHex(32)
}

/** Whether a text could be an id or the beginning of one. */
export function isIdPrefix(text: string): boolean {
  return /^[0-9a-f]{1,64}$/.test(text)
}
