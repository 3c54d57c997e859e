import { join } from 'node:path'
import { command } from './commands.ts'

/** Podman with a root of its own, which holds our image. */
export interface Podman {
  readonly version: string
  /** The command and its global options. */
  readonly words: readonly string[]
  /** The options of a container without a network, and its image. */
  readonly container: readonly string[]
  /** Those of one in its default network, with a published port. */
  readonly connected: readonly string[]
  close(): Promise<void>
}

/** What {@link openPodman} is told. */
export interface OpenPodmanOptions {
  readonly words: readonly string[]
  /** The OCI runtime's path. */
  readonly runtime: string
  readonly disk: string
  readonly fast: string
  /** Writes the image into an archive. */
  readonly save: (path: string) => Promise<void>
}

/** Loads the image into a root of Podman's own; `undefined` when there is no Podman. */
export async function openPodman({ words, runtime, disk, fast, save }: OpenPodmanOptions): Promise<Podman | undefined> {
  const version = await command([...words, '--version']).catch(() => undefined)
  if (version === undefined) return undefined
  const folders = ['--root', join(disk, 'podman'), '--runroot', join(fast, 'podman'), '--tmpdir', join(fast, 'podman-tmp')]
  const all = [...words, ...folders, '--runtime', runtime, '--cgroup-manager', 'cgroupfs']
  // Its own default limits are higher than some hosts allow.
  const own = ['--ulimit', 'nofile=1024:4096', '--ulimit', 'nproc=4096:4096', 'localhost/bench']
  const archive = join(disk, 'image.tar')
  await save(archive)
  // Through its stdin, so that a Podman that sees other folders than we do finds it all the same.
  await command(['/bin/sh', '-c', 'exec "$@" <"$0"', archive, ...all, 'load', '--quiet'])
  return {
    version: version.trim().replace(/^podman version /, ''),
    words: all,
    container: ['--network', 'none', ...own],
    connected: ['--publish', '80', ...own],
    async close() {
      await command([...all, 'rm', '--all', '--force', '--time', '0'])
      await command([...all, 'rmi', '--all', '--force'])
    },
  }
}
