import { constants, openSync } from 'node:fs'
import { TIOCGPTN, TIOCSPTLCK, TIOCSWINSZ } from './native/constants.ts'
import { libc } from './native/libc.ts'

/** How large a terminal is, in characters. */
export interface TerminalSize {
  readonly rows: number
  readonly columns: number
}

/** A pseudo-terminal. */
export interface Pty {
  /** Our side; what is written here is what is typed there. */
  readonly master: number
  /** The other side, which a program opens. When the last one closes it, reading the master fails with EIO: that is its end. */
  readonly slavePath: string
}

/** Makes a pseudo-terminal. Whoever opens its other side first should hold it open until the program has it. */
export function openPty(size?: TerminalSize): Pty {
  const master = openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY)
  try {
    const data = Buffer.alloc(4)
    libc().ioctl(master, TIOCSPTLCK, data)
    libc().ioctl(master, TIOCGPTN, data)
    if (size !== undefined) resizePty(master, size)
    return { master, slavePath: `/dev/pts/${data.readUInt32LE(0)}` }
  } catch (error) {
    libc().close(master)
    throw error
  }
}

/** Opens the other side of a pseudo-terminal without making it this process's own terminal. */
export function openSlave({ slavePath }: Pty): number {
  return openSync(slavePath, constants.O_RDWR | constants.O_NOCTTY)
}

/** Resizes a terminal, given either of its sides; its programs get SIGWINCH. */
export function resizePty(fd: number, { rows, columns }: TerminalSize): void {
  const size = Buffer.alloc(8)
  size.writeUInt16LE(Math.min(rows, largest), 0)
  size.writeUInt16LE(Math.min(columns, largest), 2)
  libc().ioctl(fd, TIOCSWINSZ, size)
}

const largest = 0xffff
