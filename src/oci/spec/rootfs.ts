import type { RuntimeLinux, RuntimeMount, RuntimeRoot } from '../../specs/runtime-spec.ts'
import type { NormalizedMounts } from './mounts.ts'

/** `root`: the root filesystem as the engine mounts it. */
export function specRoot(path: string, { readOnly }: NormalizedMounts): RuntimeRoot {
  return readOnly ? { path, readonly: true } : { path }
}

/** A mount that passes changes on needs a root filesystem that lets them through. */
export function rootfsPropagation(mounts: readonly RuntimeMount[]): Pick<RuntimeLinux, 'rootfsPropagation'> {
  const has = (...options: readonly string[]): boolean => mounts.some((mount) => mount.options?.some((option) => options.includes(option)))
  if (has('shared', 'rshared')) return { rootfsPropagation: 'shared' }
  return has('slave', 'rslave') ? { rootfsPropagation: 'rslave' } : {}
}
