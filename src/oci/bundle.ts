import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { mapFsError } from '../linux/fs/disk.ts'
import { unlinkIfThereSync } from '../linux/fs/unlink.ts'
import type { RuntimeSpec } from '../specs/runtime-spec.ts'
import { serializeSpec } from './serialize-spec.ts'

/** What is written into a bundle: what `generateSpec` gives. */
export interface BundleContent {
  readonly config: RuntimeSpec
  /** Texts by file name. */
  readonly files: Readonly<Record<string, string>>
}

/**
 * Writes a bundle: `config.json` and the engine's small files. It lies on tmpfs and is written anew at each start, so
 * nothing is synced and nothing renamed; a half-written bundle belongs to a start that did not happen. On tmpfs a call takes
 * microseconds, handing it to a thread and back many times that: all of it is done at once, in a fifth of a millisecond.
 */
export async function writeBundle(bundle: string, { config, files }: BundleContent): Promise<void> {
  try {
    mkdirSync(bundle, { recursive: true, mode: 0o711 })
    // Environment variables may hold secrets.
    writeFileSync(join(bundle, 'config.json'), serializeSpec(config), { mode: 0o600 })
    for (const [name, text] of Object.entries(files)) writePublic(join(bundle, name), text)
  } catch (error) {
    throw mapFsError(error, bundle)
  }
}

/** Anyone in the container may read it, whatever umask the host application has. */
function writePublic(path: string, text: string): void {
  writeFileSync(path, text)
  chmodSync(path, 0o644)
}

/**
 * Removes a bundle: its files at once, for the reason that they were written so, and its folders by threads, because this one must not
 * block: where a root file system is still mounted on one elsewhere, its removal unmounts it.
 */
export async function removeBundle(bundle: string): Promise<void> {
  for (const name of filesOf(bundle)) unlinkIfThereSync(join(bundle, name))
  await rm(bundle, { recursive: true, force: true })
}

/** None of a bundle that is gone. */
function filesOf(bundle: string): string[] {
  if (!existsSync(bundle)) return []
  return readdirSync(bundle, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [] : [entry.name]))
}
