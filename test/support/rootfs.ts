import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { busyboxRootfs } from '../../examples/busybox.ts'
import type { TestEngine } from './engine.ts'

/** An exploded root file system with busybox in it, for the caller to change and remove. */
export async function makeRootfs(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'libpod-ts-rootfs-'))
  await chmod(root, 0o755)
  const tar = spawn('tar', ['-x', '-p', '-C', root], { stdio: ['pipe', 'inherit', 'inherit'] })
  const [[code]] = await Promise.all([once(tar, 'close') as Promise<[number]>, pipeline(busyboxRootfs(), tar.stdin)])
  if (code !== 0) throw new Error(`tar ended with ${code}.`)
  return root
}

/** Imports a busybox image that was changed before. */
export async function imageWith(
  { runtime }: TestEngine,
  tag: string,
  changes: readonly string[],
  change: (root: string) => Promise<void>,
): Promise<void> {
  const root = await makeRootfs()
  try {
    await change(root)
    const tar = spawn('tar', ['-c', '--numeric-owner', '-C', root, '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
    await runtime.images.import(tar.stdout, { tag, changes: [...changes] })
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}
