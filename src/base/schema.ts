import type { ZodType } from 'zod'
import type { AbortOptions } from './abort.ts'
import { invalidValue, type SchemaIssue } from './schema-error.ts'

/** zod itself, as handed to the builder of a schema. */
export type Zod = typeof import('./zod.ts')

/** A schema that is built, and zod loaded, at its first use. */
export interface Schema<T> {
  /** The checked value, with unknown keys refused or dropped as the schema says. Rejects with `invalid-argument` at `path`. */
  parse(value: unknown, path?: string): Promise<T>
}

let loading: Promise<Zod> | undefined

/** Loads zod, once, at the first use: `import` and `open` must not pay for it. */
function loadZod(): Promise<Zod> {
  loading ??= import('./zod.ts')
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
      throw invalidValue(result.error.issues[0] as SchemaIssue | undefined, path, await zod(), value)
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
