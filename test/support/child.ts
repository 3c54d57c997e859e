import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** How a program ended. */
export interface ChildResult {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Options of {@link runModule}. */
export interface RunModuleOptions {
  /** A shell script that is run before, in a mount namespace that goes with the program. */
  readonly setup?: string
  readonly env?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
  /** Told what it writes to its stdout, as it comes. */
  readonly onOutput?: (text: string) => void
}

/** The folder of this package. */
const packageDir = fileURLToPath(new URL('../..', import.meta.url))

/** Runs a module in a Node.js of its own that knows this package by its name. */
export function runModule(
  source: string,
  { setup, env = {}, timeoutMs = 60_000, onOutput = () => {} }: RunModuleOptions = {},
): Promise<ChildResult> {
  const node = [process.execPath, '--input-type=module', '--eval', source]
  const [file = '', ...args] =
    setup === undefined ? node : ['/usr/bin/unshare', '--mount', '/bin/sh', '-ec', `${setup}\nexec "$0" "$@"`, ...node]
  return new Promise((resolve) => {
    const options = { cwd: packageDir, env: { ...process.env, ...env }, timeout: timeoutMs, killSignal: 'SIGKILL' as const }
    const child = execFile(file, args, options, (_error, stdout, stderr) => resolve({ exitCode: child.exitCode, stdout, stderr }))
    child.stdout?.on('data', (text) => onOutput(String(text)))
  })
}
