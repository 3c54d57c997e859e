import { LibpodError } from '../base/errors.ts'
import { type Filters, matchesLabel } from '../base/filter.ts'
import type { EngineEvent } from './event.ts'

/**
 * Podman's filters of events: any value of a key, all keys. `container` and `image` are a name, an id or the beginning of one; `event` is the
 * action; `label` is `name` or `name=value` of an attribute; `pod` is an id, or its beginning; `volume` a name.
 *
 * @public
 */
export type EventFilters = Filters<'container' | 'event' | 'image' | 'label' | 'pod' | 'type' | 'volume'>

type Test = (event: EngineEvent, value: string) => boolean

const tests: Readonly<Record<keyof EventFilters, Test>> = {
  container: (event, value) => event.type === 'container' && (event.name === value || isIdOf(event.id, value)),
  event: (event, value) => event.action === value,
  image(event, value) {
    if (event.type === 'image') return event.name === value || isIdOf(event.id, value)
    return event.type === 'container' && event.image === value
  },
  label: (event, value) => matchesLabel(event.attributes, value),
  pod: (event, value) =>
    event.type === 'pod'
      ? event.name === value || isIdOf(event.id, value)
      : event.attributes['podId'] !== undefined && isIdOf(event.attributes['podId'], value),
  type: (event, value) => event.type === value,
  volume: (event, value) => event.type === 'volume' && event.name === value,
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
  return Object.entries(filters).every(([name, given]) => {
    const values = typeof given === 'string' ? [given] : (given ?? [])
    return values.length === 0 || values.some((value) => tests[name as keyof EventFilters](event, value))
  })
}
