import { LibpodError } from '../../base/errors.ts'

/** How bytes are compressed, told by how they begin. */
export type Compression = 'none' | 'gzip' | 'zstd'

const magics: readonly (readonly [string, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
]

/** How many bytes {@link detectCompression} has to see. */
export const magicBytes = 6

/** Tells a compression by the first bytes. One that cannot be undone here rejects with `unsupported`. */
export function detectCompression(head: Buffer, what: string): Compression {
  const [name] = magics.find(([, magic]) => magic.every((byte, index) => head[index] === byte)) ?? ['none']
  if (name === 'none' || name === 'gzip' || name === 'zstd') return name
  throw new LibpodError(
    'unsupported',
    `${what} is compressed with ${name}.`,
    { what: `${name} compression` },
    { hint: 'Decompress it first, or use gzip or zstd.' },
  )
}
