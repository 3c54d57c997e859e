import type { ZodType, z } from 'zod'
import type { AbortOptions } from './abort.ts'
import { LibpodError } from './errors.ts'

/** zod itself, as handed to the builder of a schema. */
export type Zod = typeof z

/** A schema that is built, and zod loaded, at its first use. */
export interface Schema<T> {
  /** The checked value, with unknown keys refused or dropped as the schema says. Rejects with `invalid-argument` at `path`. */
  parse(value: unknown, path?: string): Promise<T>
}

let loading: Promise<Zod> | undefined

/** Loads zod, once. It takes some 60 ms, which `import` and `open` must not pay. */
function loadZod(): Promise<Zod> {
  loading ??= import('zod').then((module) => module.z)
  return loading
}

/** Declares a schema without loading zod yet. */
export function lazySchema<T>(build: (zod: Zod) => ZodType<T> | Promise<ZodType<T>>): Schema<T> & { zod(): Promise<ZodType<T>> } {
  let built: Promise<ZodType<T>> | undefined
  const zod = (): Promise<ZodType<T>> => {
    built ??= loadZod().then(build)
    return built
  }
  return {
    zod,
    async parse(value, path = '') {
      const result = (await zod()).safeParse(value)
      if (result.success) return result.data
      throw invalid(result.error.issues[0], path)
    },
  }
}

/**
 * Declares the options of one verb: unknown keys are refused, and `signal` is among them. zod is loaded only when something was given
 * that can be wrong, so that a verb without options costs nothing.
 */
export function verbOptions<Options extends AbortOptions>(
  shape: (zod: Zod) => Readonly<Record<string, ZodType>> = () => ({}),
): (options: Options) => Promise<void> {
  const schema = lazySchema<unknown>((z) => z.strictObject({ ...shape(z), signal: z.instanceof(AbortSignal).optional() }))
  return async (options) => {
    const simple =
      Object(options) === options &&
      Object.entries(options).every(([key, value]) => key === 'signal' && (value === undefined || value instanceof AbortSignal))
    if (!simple) await schema.parse(options)
  }
}

interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly code?: string
  readonly keys?: readonly string[]
  readonly errors?: readonly (readonly Issue[])[]
}

function invalid(issue: Issue | undefined, root: string): LibpodError {
  let deepest = issue
  let keys: readonly PropertyKey[] = issue?.path ?? []
  // A union reports one list of issues per branch; the branch that got furthest is the one the caller meant.
  while (deepest?.code === 'invalid_union' && deepest.errors?.length) {
    const branches = deepest.errors.map((issues) => issues[0]).filter((branch) => branch !== undefined)
    const next = branches.sort((a, b) => b.path.length - a.path.length)[0]
    if (next === undefined || next.path.length === 0) break
    keys = [...keys, ...next.path]
    deepest = next
  }
  if (deepest?.code === 'unrecognized_keys' && deepest.keys?.[0] !== undefined) keys = [...keys, deepest.keys[0]]
  const path = formatPath(root, keys)
  return new LibpodError('invalid-argument', `${path === '' ? 'The value' : path}: ${deepest?.message ?? 'not valid'}.`, { path })
}

/** `mounts`, 0, `target` → `mounts[0].target`. */
export function formatPath(root: string, keys: readonly PropertyKey[]): string {
  return keys.reduce<string>(
    (path, key) => (typeof key === 'number' ? `${path}[${key}]` : path === '' ? String(key) : `${path}.${String(key)}`),
    root,
  )
}
