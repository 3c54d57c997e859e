import { type BigIntStats, readFileSync, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'

/** What a host cannot do without, as Podman lists it. */
const needed = [
  ...['/', '/bin', '/boot', '/dev', '/etc', '/etc/passwd', '/etc/pki', '/etc/shadow', '/home', '/lib', '/lib64', '/media', '/opt', '/proc'],
  ...['/root', '/run', '/sbin', '/srv', '/sys', '/tmp', '/usr', '/var', '/var/lib', '/var/log'],
]

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
  const homes = passwd.split('\n').map((line) => line.split(':')[5] ?? '')
  return [...new Set(homes)].filter((home) => isAbsolute(home))
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
