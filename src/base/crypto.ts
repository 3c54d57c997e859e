import { createRequire } from 'node:module'

let loaded: typeof import('node:crypto') | undefined

/** Node's crypto, loaded when it is first needed: it takes 5 ms of an import, and of the start of each helper. */
export function crypto(): typeof import('node:crypto') {
  loaded ??= createRequire(import.meta.url)('node:crypto') as typeof import('node:crypto')
  return loaded
}

/** So many random bytes, as hex digits. */
export function randomHex(bytes: number): string {
  return crypto().randomBytes(bytes).toString('hex')
}
