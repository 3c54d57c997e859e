import { LibpodError } from '../../../base/errors.ts'
import { findProgram } from '../../../linux/process/find-program.ts'
import { runProgram } from '../../../linux/process/run-program.ts'
import type { NetworkBackendInfo } from '../../backend.ts'

/** Finds netavark, and aardvark-dns where that is there too. */
export async function findPrograms(folders: readonly string[], env: Readonly<Record<string, string>>): Promise<NetworkBackendInfo> {
  const [path, dns] = await Promise.all([findProgram('netavark', folders), findProgram('aardvark-dns', folders)])
  if (path === undefined) throw notInstalled()
  const { stdout } = await runProgram({ file: path, args: ['--version'], env, timeoutMs: 10_000 })
  const version = /\b(\d+\.\d+\S*)/.exec(stdout.toString())?.[1] ?? 'unknown'
  return { version, path, ...(dns === undefined ? {} : { dns: { path: dns } }), drivers: ['bridge'] }
}

function notInstalled(): LibpodError<'unavailable'> {
  return new LibpodError(
    'unavailable',
    'netavark, which connects containers to networks, is not installed.',
    { what: 'netavark', install: 'apt-get install netavark aardvark-dns' },
    {
      hint: "Install it: apt-get install netavark aardvark-dns, or dnf install netavark aardvark-dns; or use network: 'none' or 'host'.",
    },
  )
}
