import { constants, lstatSync, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isLibpodError, LibpodError } from '../../base/errors.ts'
import { isErrno } from '../../linux/errno.ts'
import { mapFsError } from '../../linux/fs/disk.ts'
import { cannotMake, makeFolder } from '../../linux/fs/make-folder.ts'
import { hasOwnLogPlace, logPlaceOf } from '../places.ts'
import { type ContainerRecord, hasLog } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { logDriverOf } from './pins.ts'

const { O_APPEND, O_CREAT, O_EXCL, O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants
/** As conmon makes one. */
const mode = 0o640

/**
 * Makes the place of a container's log. One in a place of the caller's is looked at before the monitor comes to it, which would only say that
 * it could not, or put a file where a device was. Tells whether the file was made here: then it goes with the container.
 */
export async function prepareLog(services: ContainersServices, record: ContainerRecord, rootless: boolean): Promise<boolean> {
  if (!isKept(record)) return false
  const folder = dirname(record.logPath)
  await makeFolder(folder, 0o700).catch((error: unknown) => {
    throw cannotMake(error, folder, 'log.path')
  })
  if (hasOwnLogPlace(services.places, record)) return false
  try {
    return await claim(record)
  } catch (error) {
    // Where the user's containers may write, he himself may not everywhere.
    if (rootless && isErrno(error, 'EACCES')) return false
    throw unusable(error, record.logPath)
  }
}

/** Whether {@link prepareLog} is going to make the file. */
export function willOwnLog(services: ContainersServices, record: ContainerRecord): boolean {
  if (!isKept(record) || hasOwnLogPlace(services.places, record)) return false
  try {
    return look(record.logPath) === undefined
  } catch {
    // What is wrong with the place is told when it is made.
    return false
  }
}

/** Takes away what {@link prepareLog} has made for a start that failed. */
export async function dropPreparedLog(services: ContainersServices, record: ContainerRecord): Promise<void> {
  await logDriverOf(services, record)
    .remove(logPlaceOf(record))
    .catch((error: unknown) => services.logger.warn(`Removing the log of container ${record.name}: ${String(error)}`))
}

function isKept(record: ContainerRecord): boolean {
  return hasLog(record) && record.pins.logDriver !== 'none'
}

async function claim(record: ContainerRecord): Promise<boolean> {
  const { path, maxSizeBytes } = logPlaceOf(record)
  const found = look(path)
  const isFile = found === undefined || found.isFile()
  if (maxSizeBytes !== undefined) {
    if (!isFile) throw notReplaced(path, 'is no regular file')
    if (record.state.generation === 0 && look(`${path}.tmp`) !== undefined) throw notReplaced(path, `has ${path}.tmp beside it`)
  }
  // What is a device, a fifo or a link is the monitor's business: to open it may be to disturb whoever reads it.
  if (!isFile && !found.isDirectory()) return false
  const flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY
  const made = await open(path, flags | O_CREAT | O_EXCL, mode).catch((error: unknown) => {
    if (isErrno(error, 'EEXIST')) return undefined
    throw error
  })
  await (made ?? (await open(path, flags))).close()
  return made !== undefined
}

function look(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}

function unusable(error: unknown, path: string): Error {
  const mapped = mapFsError(error, path)
  if (isLibpodError(mapped)) return mapped
  return new LibpodError(
    'invalid-argument',
    `log.path: ${path} cannot be written (${(error as NodeJS.ErrnoException).code ?? mapped.message}).`,
    { path: 'log.path', value: path },
    { cause: error, hint: 'Give the path of a file, or of one that can be made.' },
  )
}

/** A monitor that begins a new file writes it beside the old one, and renames it over that. */
function notReplaced(path: string, why: string): LibpodError<'invalid-argument'> {
  return new LibpodError(
    'invalid-argument',
    `log.path: ${path} ${why}, and log.maxSizeBytes has it replaced by a new file.`,
    { path: 'log.path', value: path },
    { hint: 'Leave log.maxSizeBytes out, or give the path of a file in a folder of its own.' },
  )
}
