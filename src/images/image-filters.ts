import { matchesLabel, parseFlag } from '../base/filter.ts'
import { parseInstant } from '../base/instant.ts'
import type { ImageRecord } from '../storage/image-store.ts'
import { matchesReference } from './reference-pattern.ts'

type ImageTest = (record: ImageRecord, value: string) => boolean

/** What images can be filtered by without looking at other images; `now` is the moment that `until` counts back from. */
export const imageTests = {
  id: (record, value) => record.id.startsWith(value.replace(/^sha256:/, '')),
  label: (record, value) => matchesLabel(record.labels, value),
  'label!': (record, value) => !matchesLabel(record.labels, value),
  reference: (record, value) => record.names.some((name) => matchesReference(name, value)),
  until: (record, value) => Date.parse(record.createdAt) < parseInstant(value, 'filters.until'),
  dangling: (record, value) => (record.names.length === 0) === parseFlag(value, 'filters.dangling'),
  digest: (record, value) => record.manifest.digest === value || record.repoDigests.some((digest) => digest.endsWith(`@${value}`)),
} as const satisfies Readonly<Record<string, ImageTest>>
