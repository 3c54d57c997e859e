import type { Pack } from 'tar-stream'

/** The same images give the same archive, whenever it is made. */
export const entryAttributes = { mode: 0o644, mtime: new Date(0) } as const

/** The bytes of a tarball while `write` fills it. */
export async function* packTar(write: (tar: Pack) => Promise<void>): AsyncGenerator<Buffer, void> {
  const { pack } = await import('tar-stream')
  const tar = pack()
  const writing = write(tar).catch((error: unknown) => void tar.destroy(error instanceof Error ? error : new Error(String(error))))
  try {
    yield* tar as AsyncIterable<Buffer>
  } finally {
    tar.destroy()
    await writing
  }
}
