import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LibpodError } from '../base/errors.ts'
import type { EngineEnvironment } from './environment.ts'

/** Where an engine keeps what is its own when it is told nothing else. */
export interface DefaultPaths {
  /** On disk. */
  readonly root: string
  /** On tmpfs. */
  readonly runRoot: string
}

/** The default places: `/var/lib/libpod-ts` and `/run/libpod-ts` for root, by XDG for everyone else; never Podman's own. */
export function defaultPaths(uid: number, { home, xdgDataHome, xdgRuntimeDir }: EngineEnvironment): DefaultPaths {
  if (uid === 0) return { root: '/var/lib/libpod-ts', runRoot: '/run/libpod-ts' }
  const dataHome = xdgDataHome ?? (home === undefined ? undefined : join(home, '.local', 'share'))
  if (dataHome === undefined) {
    throw new LibpodError(
      'invalid-argument',
      'root: there is no place for it, because neither HOME nor XDG_DATA_HOME is set.',
      { path: 'root' },
      { hint: 'Set one of them, or pass { root, runRoot } to Runtime.open.' },
    )
  }
  // Without a login session there is no XDG_RUNTIME_DIR; Podman falls back to the same kind of place.
  const runtimeDir = xdgRuntimeDir ?? join(tmpdir(), `libpod-ts-run-${uid}`)
  return { root: join(dataHome, 'libpod-ts'), runRoot: join(runtimeDir, 'libpod-ts') }
}
