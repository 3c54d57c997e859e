import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { sleep } from '../../base/time.ts'
import { isErrno } from '../../linux/errno.ts'
import { tryFlock } from '../../linux/flock.ts'
import type { ContainerRecord } from '../record.ts'

/** A container may write what it likes into this file; so much of it is looked at. */
const longestFileBytes = 1024 * 1024
/** It may also hold a lock on it for ever: nobody waits longer. */
const patienceMs = [1, 2, 5, 10, 20, 50]

/**
 * Has those who share a network find a container by its name: its line goes to the end of the file that all of them see, which one write
 * does whole, whoever else writes.
 */
export async function nameForJoiners(hosts: string, record: ContainerRecord): Promise<void> {
  await withHosts(hosts, constants.O_APPEND, async (file, text) => {
    const line = lineOf(record)
    if (!text.split('\n').includes(line)) await file.write(`${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`)
  })
}

/** The container has ended: its line goes. The file is written over in place, because it is what all of them have mounted. */
export async function forgetForJoiners(hosts: string, record: ContainerRecord): Promise<void> {
  await withHosts(hosts, 0, async (file, text) => {
    const rest = text.replace(`${lineOf(record)}\n`, '')
    if (rest === text) return
    const data = Buffer.from(rest)
    await file.write(data, 0, data.length, 0)
    await file.truncate(data.length)
  })
}

function lineOf({ name, options }: ContainerRecord): string {
  return `127.0.0.1\t${options.hostname} ${name}`
}

async function withHosts(path: string, flags: number, change: (file: FileHandle, text: string) => Promise<void>): Promise<void> {
  try {
    const file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW | flags)
    try {
      for (const wait of patienceMs) {
        if (tryFlock(file.fd, 'exclusive')) break
        await sleep(wait)
      }
      if ((await file.stat()).size <= longestFileBytes) await change(file, await file.readFile('utf8'))
    } finally {
      await file.close()
    }
  } catch (error) {
    // The owner goes just now, and its file with it.
    if (!isErrno(error, 'ENOENT')) throw error
  }
}
