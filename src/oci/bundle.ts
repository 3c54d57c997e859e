import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mapFsError } from '../linux/fs/disk.ts'
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
 * nothing is synced and nothing renamed; a half-written bundle belongs to a start that did not happen.
 */
export async function writeBundle(bundle: string, { config, files }: BundleContent): Promise<void> {
  try {
    await mkdir(bundle, { recursive: true, mode: 0o711 })
    await Promise.all([
      // Environment variables may hold secrets.
      writeFile(join(bundle, 'config.json'), serializeSpec(config), { mode: 0o600 }),
      ...Object.entries(files).map(([name, text]) => writePublic(join(bundle, name), text)),
    ])
  } catch (error) {
    throw mapFsError(error, bundle)
  }
}

/** Anyone in the container may read it, whatever umask the host application has. */
async function writePublic(path: string, text: string): Promise<void> {
  await writeFile(path, text)
  await chmod(path, 0o644)
}

/** Removes a bundle. Nothing may be mounted in it any more. */
export async function removeBundle(bundle: string): Promise<void> {
  await rm(bundle, { recursive: true, force: true })
}
