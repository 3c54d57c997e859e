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

/** What a list shows of an object. */
export interface RegistrySummary {
  readonly id: string
  readonly names: readonly string[]
  readonly summary: Json
}

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

/** Gives the new state of an object from its present one, or `undefined` to leave it. It may be asked again when another writer was faster. */
export type RegistryChange = (current: RegistryObject) => RegistryDraft | undefined

/** One part of a commit over several objects. */
export type RegistryOperation =
  | { readonly type: 'create'; readonly kind: string; readonly draft: RegistryDraft }
  | { readonly type: 'update'; readonly kind: string; readonly id: string; readonly change: RegistryChange }
  | { readonly type: 'remove'; readonly kind: string; readonly id: string; readonly expectVersion?: string }

/** What a {@link Registry} works on. */
export interface RegistryOptions {
  readonly kinds: readonly KindDefinition[]
  /** Called after each commit with the objects it wrote or removed, as `kind/id`: for the doorbell. It must not throw. */
  readonly onCommit?: (objects: readonly string[]) => void
}
