import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { MachineFact } from './differences.ts'

const usualLimit = 1_048_576
const sysResource = 24n

/** Looks at this machine. `runtime` is the name of the OCI runtime of both sides. */
export async function machineFacts(runtime: string): Promise<ReadonlySet<MachineFact>> {
  const [version, status, limits] = await Promise.all([
    promisify(execFile)('podman', ['--version']),
    readFile('/proc/self/status', 'utf8'),
    readFile('/proc/self/limits', 'utf8'),
  ])
  const capabilities = BigInt(`0x${/^CapEff:\s*(\S+)$/m.exec(status)?.[1] ?? '0'}`)
  const isFixed = (capabilities & (1n << sysResource)) === 0n
  const isLimited = (title: string): boolean => {
    const hard = new RegExp(`^${title}\\s+\\S+\\s+(\\S+)`, 'm').exec(limits)?.[1]
    return isFixed && hard !== 'unlimited' && Number(hard) < usualLimit
  }
  const facts: Readonly<Record<MachineFact, boolean>> = {
    'Podman 4': / 4\./.test(version.stdout),
    'Podman 5': / 5\./.test(version.stdout),
    crun: runtime === 'crun',
    'nofile is limited': isLimited('Max open files'),
    'nproc is limited': isLimited('Max processes'),
  }
  return new Set(Object.entries(facts).flatMap(([fact, holds]) => (holds ? [fact as MachineFact] : [])))
}
