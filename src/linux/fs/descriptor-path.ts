import { readFileSync } from 'node:fs'

/** An open(2) flag that Node does not name; the same on every architecture that is supported. */
export const O_PATH = 0x200000

/** A path that begins at an open directory: what is opened through it cannot be led astray by links above, nor is it ever too long. */
export function atDescriptor(fd: number, name?: Buffer | string): Buffer {
  const base = `/proc/self/fd/${fd}`
  if (name === undefined) return Buffer.from(base)
  return typeof name === 'string' ? Buffer.from(`${base}/${name}`) : Buffer.concat([Buffer.from(`${base}/`), name])
}

/** Which mount an open file lies on: unlike the device number this also tells a bind mount of the same file system. */
export function mountIdOf(fd: number): string | undefined {
  return /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1]
}
