import { spawnProcess } from '../linux/process/spawn.ts'

/** Starts the clean-up program for a root; it outlives this process. */
export function startCleanup(program: string, runRoot: string, env: Readonly<Record<string, string>>): void {
  spawnProcess({ file: process.execPath, args: [program, runRoot], env, stdio: ['ignore', 'ignore', 'ignore'], setsid: true }).unref()
}
