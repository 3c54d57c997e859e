import { LibpodError } from '../base/errors.ts'
import type { KindDefinition, RegistryObject } from './registry-types.ts'
import type { Json, StateEntry } from './state-store.ts'

/** An object as it is stored: the body with the number of its format. */
export interface StoredObject {
  readonly format: number
  readonly names: readonly string[]
  readonly links: readonly string[]
  readonly body: Json
}

/** What is stored around a body, which must be sound even where the body is not: removing needs it. */
export function readEnvelope(entry: StateEntry): StoredObject | undefined {
  const value = entry.value as Partial<StoredObject> | null
  if (typeof value !== 'object' || value === null || typeof value.format !== 'number' || value.body === undefined) return undefined
  if (!isTexts(value.names) || !isTexts(value.links)) return undefined
  return { format: value.format, names: value.names, links: value.links, body: value.body }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

/** The object of an entry, its body lifted to today's format. Throws `corrupt`, or `unsupported` for a newer format. */
export function readObject(definition: KindDefinition, id: string, entry: StateEntry, summary: Json): RegistryObject {
  const stored = readEnvelope(entry)
  if (stored === undefined) throw damaged(definition.kind, id, 'it is not stored in the shape of an object')
  const { names, links } = stored
  return { kind: definition.kind, id, names, links, body: liftBody(definition, id, stored), summary, version: entry.version }
}

/** Lifts a body step by step. It is written back in the new format only when the object next changes. */
export function liftBody({ kind, format, migrate }: KindDefinition, id: string, stored: Pick<StoredObject, 'format' | 'body'>): Json {
  if (stored.format > format)
    throw new LibpodError(
      'unsupported',
      `The ${kind} ${id.slice(0, 12)} was written by a newer version of libpod-ts (format ${stored.format}; this one knows ${format}).`,
      { what: `${kind} format ${stored.format}` },
      { hint: 'Update this application, or leave the object to the newer one.' },
    )
  let { body } = stored
  for (let from = stored.format; from < format; from++) {
    if (migrate === undefined) throw damaged(kind, id, `nothing lifts it from format ${from}`)
    try {
      body = migrate(body, from)
    } catch (cause) {
      throw damaged(kind, id, `it could not be lifted from format ${from}`, cause)
    }
  }
  return body
}

function damaged(kind: string, id: string, why: string, cause?: unknown): LibpodError<'corrupt'> {
  return new LibpodError(
    'corrupt',
    `The record of ${kind} ${id.slice(0, 12)} is damaged: ${why}.`,
    { what: `${kind}/${id}` },
    { ...(cause === undefined ? {} : { cause }), hint: 'It can still be removed; all other objects are untouched.' },
  )
}
