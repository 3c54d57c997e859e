import { isLibpodError, LibpodError } from '../base/errors.ts'
import type { Json, StateStore } from './state-store.ts'

/** The layout of keys in the store; a root of a newer one is left alone. */
export const rootFormat = 1

/** What a root pins at its first open: its run root, its user, its drivers. */
export type RootSettings = Readonly<Record<string, string | number | boolean>>

const key = 'root'

/**
 * Pins the settings of a new root, or compares them with those it was made with. Settings that are new to an old root
 * are added. Rejects with `conflict` if one differs, `unsupported` if the root is of a newer format.
 */
export async function claimRoot(store: StateStore, settings: RootSettings): Promise<RootSettings> {
  for (;;) {
    const [entry] = await store.get([key])
    const stored = entry === undefined ? undefined : readRoot(entry.value)
    if (stored) compare(stored, settings)
    const merged = { ...settings, ...stored }
    if (stored && Object.keys(settings).every((name) => name in stored)) return merged
    try {
      const check = entry === undefined ? { key, exists: false } : { key, version: entry.version }
      await store.commit({ checks: [check], puts: [{ key, value: { format: rootFormat, settings: merged } }] })
      return merged
    } catch (error) {
      // Another engine opened it at this very moment: compare with what that one wrote.
      if (!isLibpodError(error, 'conflict')) throw error
    }
  }
}

/** Rejects as {@link claimRoot} does, and writes nothing. */
export async function checkRoot(store: StateStore, settings: RootSettings): Promise<void> {
  const [entry] = await store.get([key])
  if (entry !== undefined) compare(readRoot(entry.value), settings)
}

function readRoot(value: Json): RootSettings {
  const { format, settings } = (value ?? {}) as { readonly format?: unknown; readonly settings?: RootSettings }
  if (typeof format !== 'number' || typeof settings !== 'object')
    throw new LibpodError('corrupt', 'The state store does not tell whose root it is.', { what: key })
  if (format > rootFormat)
    throw new LibpodError(
      'unsupported',
      `This root was written by a newer version of libpod-ts (format ${format}; this one knows ${rootFormat}).`,
      { what: `root format ${format}` },
      { hint: 'Update this application, or give it another root.' },
    )
  return settings
}

function compare(stored: RootSettings, settings: RootSettings): void {
  for (const [name, value] of Object.entries(settings)) {
    const pinned = stored[name]
    if (pinned === undefined || pinned === value) continue
    throw new LibpodError(
      'conflict',
      `This root was made with ${name} = ${JSON.stringify(pinned)}, and cannot be opened with ${JSON.stringify(value)}.`,
      { what: name },
      { hint: `Open it with ${name} ${JSON.stringify(pinned)}, or choose another root.` },
    )
  }
}
