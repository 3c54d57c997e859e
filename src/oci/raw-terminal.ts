import { libc } from '../linux/native/libc.ts'

const TCGETS = 0x5401
const TCSETS = 0x5402

/** The kernel's `struct termios`: four words of flags, a byte, 19 control characters. */
const size = 36
const at = { input: 0, control: 8, local: 12, characters: 17 } as const
const VTIME = 5
const VMIN = 6

/**
 * Lets a terminal pass every byte that is typed, with no echo: it only leads to another terminal, which does the rest. Newlines in the output
 * still become CR LF, since runc turns that off in the other one.
 */
export function makeRaw(fd: number): void {
  const termios = Buffer.alloc(size)
  libc().ioctl(fd, TCGETS, termios)
  // As cfmakeraw(3), but for OPOST.
  const clear = (offset: number, bits: number): unknown => termios.writeUInt32LE((termios.readUInt32LE(offset) & ~bits) >>> 0, offset)
  clear(at.input, 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x80 | 0x100 | 0x400)
  clear(at.local, 0x8 | 0x40 | 0x2 | 0x1 | 0x8000)
  clear(at.control, 0x100)
  termios.writeUInt32LE((termios.readUInt32LE(at.control) | 0x30) >>> 0, at.control)
  termios[at.characters + VMIN] = 1
  termios[at.characters + VTIME] = 0
  libc().ioctl(fd, TCSETS, termios)
}
