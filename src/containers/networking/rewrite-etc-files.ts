import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../../linux/errno.ts'
import { bundleOf } from '../places.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { etcFiles } from './etc-files.ts'

/** Brings a running container's files up to date. They are written in place: a file that replaced them would not be the one it has mounted. */
export async function rewriteEtcFiles(services: ContainersServices, record: ContainerRecord): Promise<void> {
  const { hosts, resolvConf } = await etcFiles(services, record)
  const bundle = bundleOf(services.places, record.id)
  for (const [name, text] of Object.entries({ hosts, 'resolv.conf': resolvConf }))
    if (text !== undefined) await rewrite(join(bundle, name), text)
}

async function rewrite(path: string, text: string): Promise<void> {
  try {
    // The folder is ours, but the container writes to the file: it is not followed if it is a link by now, nor made.
    const file = await open(path, constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW)
    try {
      await file.writeFile(text)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
}
