import type { Digest } from '../base/digest.ts'

/** Under this prefix lie the leases of the live store, and under the other what a collector is just removing. */
export const leasePrefix = 'lease/'
export const condemnedPrefix = 'condemned/'

/** A blob in one word, as leases name it. */
export function blobWord(digest: Digest): string {
  return `blob/${encodeURIComponent(digest)}`
}

/** A snapshot in one word, as leases name it. */
export function snapshotWord(name: string): string {
  return `snapshot/${encodeURIComponent(name)}`
}

/** The entry by which `holder` keeps a resource; without a holder, where all of them stand. */
export function leaseKey(word: string, holder = ''): string {
  return `${leasePrefix}${word}/${holder}`
}

export function condemnedKey(word: string): string {
  return condemnedPrefix + word
}

/** One of an engine's leases, as the keys name it. */
export function holderOf(owner: string, number: number): string {
  return `${owner}.${number}`
}

/** What a lease's key says: the resource and the engine. */
export function splitLeaseKey(key: string): { readonly word: string; readonly owner: string } {
  const at = key.lastIndexOf('/')
  return { word: key.slice(leasePrefix.length, at), owner: key.slice(at + 1, key.lastIndexOf('.')) }
}
