import type { ImageRecord } from '../storage/image-store.ts'
import { repositoryOf } from './reference.ts'

/** The record with more names, and with the digest it is known by in each of their repositories. */
export function withNames(record: ImageRecord, more: readonly string[]): ImageRecord {
  const names = [...new Set([...record.names, ...more])]
  const digests = more.map((name) => `${repositoryOf(name)}@${record.manifest.digest}`)
  return { ...record, names, repoDigests: [...new Set([...record.repoDigests, ...digests])] }
}

/** The record without some names, and without the digests of repositories that it has no name in any more. */
export function withoutNames(record: ImageRecord, fewer: readonly string[]): ImageRecord {
  const names = record.names.filter((name) => !fewer.includes(name))
  const kept = new Set(names.map(repositoryOf))
  const left = new Set(fewer.map(repositoryOf))
  const repoDigests = record.repoDigests.filter((digest) => kept.has(repositoryOf(digest)) || !left.has(repositoryOf(digest)))
  return { ...record, names, repoDigests }
}
