import { crypto } from '../../../base/crypto.ts'
import { findProgram } from '../../../linux/process/find-program.ts'
import { runProgram } from '../../../linux/process/run-program.ts'
import type { BackendNetwork } from '../../backend.ts'

/** So much of the hash of a network's name does netavark name its chains after. */
const hashLength = 13

/**
 * Removes the chains of networks that nobody is in. A netavark that is killed between making a chain and its first rule leaves it empty,
 * and its teardown, which stops at the first rule that is missing, does not come to it. The kernel removes no chain that has rules or
 * is jumped to.
 */
export async function dropEmptyChains(
  networks: readonly Pick<BackendNetwork, 'id'>[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const folders = (env['PATH'] ?? '').split(':').filter((folder) => folder !== '')
  for (const name of ['iptables', 'ip6tables']) {
    const file = await findProgram(name, folders)
    if (file === undefined) continue
    for (const { id } of networks) {
      const hash = crypto().createHash('sha512').update(id).digest('hex').toUpperCase().slice(0, hashLength)
      for (const chain of [`NETAVARK-DN-${hash}`, `NETAVARK-${hash}`])
        await runProgram({ file, args: ['--wait', '--table', 'nat', '--delete-chain', chain], env, timeoutMs: 10_000 })
    }
  }
}
