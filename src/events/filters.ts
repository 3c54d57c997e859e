import { LibpodError } from '../base/errors.ts'
import type { EngineEvent } from './event.ts'

/** Podman's filters of events: any value of a key, all keys. @public */
export interface EventFilters {
  /** The container's name or id, or the beginning of its id. */
  readonly container?: readonly string[]
  /** The action. */
  readonly event?: readonly string[]
  /** The image's name or id, of an image's or a container's event. */
  readonly image?: readonly string[]
  /** `name` or `name=value` of an attribute. */
  readonly label?: readonly string[]
  /** The pod's id, or its beginning. */
  readonly pod?: readonly string[]
  /** The type. */
  readonly type?: readonly string[]
  /** The volume's name. */
  readonly volume?: readonly string[]
}

type Test = (event: EngineEvent, value: string) => boolean

const tests: Readonly<Record<keyof EventFilters, Test>> = {
  container: (event, value) => event.type === 'container' && (event.name === value || isIdOf(event.id, value)),
  event: (event, value) => event.action === value,
  image(event, value) {
    if (event.type === 'image') return event.name === value || isIdOf(event.id, value)
    return event.type === 'container' && event.image === value
  },
  label(event, value) {
    const at = value.indexOf('=')
    return at < 0 ? value in event.attributes : event.attributes[value.slice(0, at)] === value.slice(at + 1)
  },
  pod: (event, value) => event.attributes['podId'] !== undefined && isIdOf(event.attributes['podId'], value),
  type: (event, value) => event.type === value,
  volume: (event, value) => event.attributes['volume'] === value,
}

function isIdOf(id: string, value: string): boolean {
  return value !== '' && id.startsWith(value)
}

/** Refuses unknown keys, so that a slip does not silently show everything. */
export function checkEventFilters(filters: EventFilters): void {
  for (const name of Object.keys(filters))
    if (!Object.hasOwn(tests, name))
      throw new LibpodError(
        'invalid-argument',
        `filters.${name}: events have no such filter.`,
        { path: `filters.${name}` },
        { hint: `They have ${Object.keys(tests).join(', ')}.` },
      )
}

/** Whether an event passes. */
export function matchesFilters(event: EngineEvent, filters: EventFilters): boolean {
  return Object.entries(filters as Record<keyof EventFilters, readonly string[] | undefined>).every(
    ([name, values]) =>
      values === undefined || values.length === 0 || values.some((value) => tests[name as keyof EventFilters](event, value)),
  )
}
