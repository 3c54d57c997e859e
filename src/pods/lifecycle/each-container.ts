import type { AbortOptions } from '../../base/abort.ts'
import { isLibpodError, LibpodError } from '../../base/errors.ts'
import type { ContainerRecord } from '../../containers/record.ts'
import type { PodRecord } from '../record.ts'

/** What a verb of pods does with each of some containers. Gives whether that changed anything. */
export type ContainerWork = (container: ContainerRecord) => Promise<boolean>

/** How a verb went with all of them. */
export interface EachResult {
  readonly changed: boolean
  readonly failures: readonly ContainerFailure[]
}

/** One container that a verb failed with. */
export interface ContainerFailure {
  readonly container: ContainerRecord
  readonly error: unknown
}

/** Does something with all of some containers at the same time; one that fails keeps it from no other. */
export async function eachContainer(containers: readonly ContainerRecord[], work: ContainerWork): Promise<EachResult> {
  const results = await Promise.all(
    containers.map((container) =>
      work(container).then(
        (changed) => ({ changed, failures: [] }),
        // Whoever removed it was faster: there is nothing left to do.
        (error: unknown) => ({ changed: false, failures: isGone(error, container) ? [] : [{ container, error }] }),
      ),
    ),
  )
  return bothOf(results)
}

export function bothOf(results: readonly EachResult[]): EachResult {
  return { changed: results.some(({ changed }) => changed), failures: results.flatMap(({ failures }) => failures) }
}

/** Rejects with `partial-failure` if a verb failed with some containers, telling which and why; with the abort's reason after an abort. */
export function checkFailures(verb: string, { id, name }: PodRecord, { failures }: EachResult, { signal }: AbortOptions): void {
  const [first] = failures
  if (first === undefined) return
  signal?.throwIfAborted()
  const told = failures.map(({ container, error }) => ({ id: container.id, name: container.name, ...describe(error) }))
  const shown = told.slice(0, 3).map((failure) => `${failure.name}: ${failure.message}`)
  const more = told.length > shown.length ? ` (and ${told.length - shown.length} more)` : ''
  throw new LibpodError(
    'partial-failure',
    `Cannot ${verb} all of pod ${name}. ${shown.join(' ')}${more}`,
    { kind: 'pod', ref: id, verb, failures: told },
    { cause: failures.length === 1 ? first.error : new AggregateError(failures.map(({ error }) => error)) },
  )
}

function describe(error: unknown): { readonly code?: LibpodError['code']; readonly message: string } {
  if (isLibpodError(error)) return { code: error.code, message: error.message }
  return { message: error instanceof Error ? error.message : String(error) }
}

function isGone(error: unknown, { id }: ContainerRecord): boolean {
  return isLibpodError(error, 'not-found') && error.details.kind === 'container' && error.details.ref === id
}
