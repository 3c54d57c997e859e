import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { compiled } from '../../../test/support/programs.ts'

/** Starts the other process of a test. */
export function spawnLockPeer(...args: string[]): ChildProcess {
  return spawn(process.execPath, [compiled(new URL('../lock-peer.ts', import.meta.url)), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** The first line it says. */
export async function firstLine(child: ChildProcess): Promise<string> {
  const { stdout } = child
  if (stdout === null) throw new Error('The peer has no output.')
  const [data] = (await Promise.race([
    once(stdout, 'data'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`The peer ended with ${String(code)} before it said anything.`)
    }),
  ])) as [Buffer]
  return data.toString().trim()
}

export async function killPeer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
