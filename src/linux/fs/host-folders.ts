import { type BigIntStats, readFileSync, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'

/** What a host cannot do without, as Podman lists it. */
const needed = [
  ...['/', '/bin', '/boot', '/dev', '/etc', '/etc/passwd', '/etc/pki', '/etc/shadow', '/home', '/lib', '/lib64', '/media', '/opt', '/proc'],
  ...['/root', '/run', '/sbin', '/srv', '/sys', '/tmp', '/usr', '/var', '/var/lib', '/var/log'],
]

/** The other accounts are of services, as are those that nobody logs in to: their homes are data, as `/var/www`, which a container may be meant to have. */
const firstPerson = 1000
const lastPerson = 59_999

/**
 * Which folder or file of the host this is that nobody may give away: one that the host cannot do without, or the home of a user
 * in `passwd`. It is known by its inode, whatever links and mounts led to it. Synchronous: for the helper process.
 */
export function hostFolder({ dev, ino }: Pick<BigIntStats, 'dev' | 'ino'>, passwd = readPasswd()): string | undefined {
  return [...needed, ...homesOf(passwd)].find((path) => {
    const there = statOf(path)
    return there !== undefined && there.dev === dev && there.ino === ino
  })
}

function homesOf(passwd: string): string[] {
  const homes = passwd.split('\n').flatMap((line) => {
    const [, , uid, , , home = '', shell = ''] = line.split(':')
    const isPerson = Number(uid) >= firstPerson && Number(uid) <= lastPerson && !/\/(nologin|false)$/.test(shell)
    return isPerson && isAbsolute(home) ? [home] : []
  })
  return [...new Set(homes)]
}

function readPasswd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8')
  } catch {
    // There are hosts that keep their users elsewhere.
    return ''
  }
}

/** What cannot be looked at, because it is not there or may not be seen, cannot be what somebody has just looked at. */
function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true })
  } catch {
    return undefined
  }
}
