import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { isErrno } from '../../linux/errno.ts'
import type { ContainerRecord } from '../record.ts'

/** A container may write what it likes into this file; so much of it is looked at. */
const longestFileBytes = 1024 * 1024

/**
 * Has those who share a network find a container by its name: its line goes to the end of the file that all of them see, which one write
 * does whole, whoever else writes. It stays until the owner of the network starts anew; where a container has ended nobody listens.
 */
export async function nameForJoiners(hosts: string, { name, options }: ContainerRecord): Promise<void> {
  const line = `127.0.0.1\t${options.hostname} ${name}`
  try {
    const file = await open(hosts, constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW)
    try {
      const { size } = await file.stat()
      if (size > longestFileBytes) return
      const text = await file.readFile('utf8')
      if (!text.split('\n').includes(line)) await file.write(`${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`)
    } finally {
      await file.close()
    }
  } catch (error) {
    // The owner goes just now: so does this start.
    if (!isErrno(error, 'ENOENT')) throw error
  }
}
