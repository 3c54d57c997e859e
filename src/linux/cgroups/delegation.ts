import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CgroupHost } from './detect.ts'

/** The cgroup below which the systemd of a user makes those that he asks for. */
export function userManagerRoot(uid: number): string {
  return `/user.slice/user-${uid}.slice/user@${uid}.service`
}

/**
 * The controllers with which an ordinary user can limit what he starts: those that systemd has handed to his own instance. None
 * where cgroups are v1, which cannot be handed out safely, and where no such instance runs.
 */
export async function delegatedControllers(
  { mode, unified }: CgroupHost,
  uid: number,
  runtimeDir: string | undefined,
): Promise<readonly string[]> {
  if (mode !== 'v2' || unified === undefined || runtimeDir === undefined) return []
  const canAsk = await access(join(runtimeDir, 'bus')).then(
    () => true,
    () => false,
  )
  if (!canAsk) return []
  const text = await readFile(join(unified, userManagerRoot(uid), 'cgroup.controllers'), 'utf8').catch(() => '')
  return text.split(/\s+/).filter((name) => name !== '')
}
