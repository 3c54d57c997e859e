import { createRequire } from 'node:module'

/** The foreign function interface, as its package types it. */
export type Koffi = typeof import('koffi').default

let loaded: Koffi | undefined

/** Loads koffi at first use: that costs some 13 ms, once. */
export function koffi(): Koffi {
  loaded ??= createRequire(import.meta.url)('koffi') as Koffi
  return loaded
}
