import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { compiled } from '../../../test/support/programs.ts'

/** How one case went. */
export interface CaseResult {
  readonly name: string
  readonly error?: string
}

/**
 * Runs a program of cases, which prints a JSON line for each, in a process of its own. crun does not work where controllers are in the v2 tree
 * of a hybrid host; there the process gets a mount namespace without that tree, and the folders that crun makes in its place go with it.
 */
export async function runCases(program: URL, runtime: string): Promise<CaseResult[]> {
  const node = [process.execPath, compiled(program), runtime]
  const hide =
    'if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified && mount -t tmpfs tmpfs /sys/fs/cgroup/unified; fi; exec "$@"'
  const [command = '', ...args] = runtime === 'crun' ? ['unshare', '--mount', 'sh', '-c', hide, 'sh', ...node] : node
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const results: CaseResult[] = []
  for await (const line of createInterface({ input: child.stdout })) results.push(JSON.parse(line) as CaseResult)
  const [code] = (await ended) as [number | null]
  if (code !== 0) throw new Error(`The program of cases ended with ${code}, after ${results.length} results.`)
  return results
}
