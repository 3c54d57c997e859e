import type { Json } from './state-store.ts'

/** An object as the registry sees it. Its body belongs to the noun. */
export interface RegistryObject<Body extends Json = Json> {
  readonly kind: string
  readonly id: string
  /** The unique names it holds in the scope of its kind; a container has one, an image any number. */
  readonly names: readonly string[]
  /** The objects it uses, as `kind/id`: none of them can be removed before it. */
  readonly links: readonly string[]
  readonly body: Body
  /** The small part that lists show; stored apart, so that a list reads nothing else. */
  readonly summary: Json
  /** The version this was read at. */
  readonly version: string
}

/** What is written of an object. */
export type RegistryDraft<Body extends Json = Json> = Omit<RegistryObject<Body>, 'version' | 'kind'>

/** How a kind of objects is kept. */
export interface KindDefinition {
  readonly kind: string
  /** Kinds of one scope share their names: libpod keeps containers and pods unique together. */
  readonly nameScope: string
  /** The format of the body today; bodies of older formats are lifted by `migrate` when they are read. */
  readonly format: number
  /** Lifts a body from format `from` to `from + 1`. */
  readonly migrate?: (body: Json, from: number) => Json
}
