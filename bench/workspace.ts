import { chmodSync, createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { busyboxRootfs } from '../examples/busybox.ts'
import { command } from './commands.ts'

/** Where the benchmarks keep everything: nothing of it is left. */
export interface Workspace {
  /** On a real disk, as the root of an engine is. */
  readonly disk: string
  /** A tmpfs: everybody's run root lies in it. */
  readonly fast: string
  /** A root file system with busybox as a tarball, and exploded. */
  readonly tarball: string
  readonly tree: string
  /** The programs that measure others. */
  readonly floor: string
  readonly bare: string
}

/** The places in a workspace that is there. */
export function workspaceAt(disk: string): Workspace {
  const at = (name: string): string => join(disk, name)
  return { disk, fast: at('fast'), tarball: at('rootfs.tar'), tree: at('tree'), floor: at('floor'), bare: at('bare') }
}

/** Makes a workspace. Not under /tmp, which is no disk on many machines. */
export async function makeWorkspace(): Promise<Workspace> {
  const workspace = workspaceAt(mkdtempSync('/var/tmp/libpod-ts-bench-'))
  try {
    await fill(workspace)
    return workspace
  } catch (error) {
    await removeWorkspace(workspace)
    throw error
  }
}

async function fill({ disk, fast, tarball, tree }: Workspace): Promise<void> {
  mkdirSync(fast)
  await command(['mount', '-t', 'tmpfs', '-o', 'mode=0755', 'libpod-ts-bench', fast])
  for (const program of ['floor', 'bare']) {
    await command(['gcc', '-O2', '-Wall', '-o', join(disk, program), join(import.meta.dirname, `${program}.c`)])
  }
  // An ordinary user has a place of his own.
  chmodSync(disk, 0o755)
  for (const folder of [disk, fast]) {
    mkdirSync(join(folder, 'rootless'))
    chmodSync(join(folder, 'rootless'), 0o1777)
  }
  mkdirSync(tree)
  await pipeline(busyboxRootfs(), createWriteStream(tarball))
  await command(['tar', '-xf', tarball, '-C', tree])
}

/** Unmounts what is mounted in it, the innermost first, and removes it. */
export async function removeWorkspace({ disk }: Pick<Workspace, 'disk'>): Promise<void> {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  const inside = mounts.map((line) => line.split(' ')[4] ?? '').filter((path) => path.startsWith(`${disk}/`))
  for (const path of inside.reverse()) await command(['umount', path])
  rmSync(disk, { recursive: true, force: true })
}
