import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { LibpodError } from '../base/errors.ts'
import type { HelperOperation } from '../linux/helper/helper.ts'
import { serveHelper } from '../linux/helper/serve.ts'
import { prepareNamespaces } from '../linux/namespaces.ts'
import { networkOperations } from '../linux/network/namespace-operations.ts'
import { isOwnerAlive } from '../locks/owners.ts'
import { ociOperations } from '../oci/helper-operations.ts'
import { BoundContainers } from '../oci/monitors/bound-containers.ts'
import { storageOperations } from '../storage/helper-operations.ts'
import { startCleanup } from './start-cleanup.ts'

/**
 * The helper process: `helper.js ROLE RUN_ROOT OWNER_FILE CLEANUP`. What is privileged, blocking, or fed by strangers runs
 * here. It is bundled into one file, so that nothing is loaded while it looks at somebody else's files. When its engine is
 * gone, it kills what must not outlive that engine, has the rest cleaned up, and ends.
 */
const [role = '', runRoot = '', ownerFile = '', cleanup = ''] = process.argv.slice(2)
const bound = new BoundContainers()

process.umask(0o022)
await prepareNamespaces()
serveHelper(role === 'storage' ? storageOperations : unlessOrphaned({ ...ociOperations(bound), ...networkOperations }), {
  async onClosed() {
    await bound.killAll()
    // An engine that closes removes its owner file; one that died leaves it, and its ephemeral containers.
    if (role === 'oci' && existsSync(ownerFile)) startCleanup(cleanup, runRoot, environment())
  },
})

/**
 * What a host asked for just before it died must not begin: another engine may have cleaned up after that host already. It is
 * the same lock by which that one knows.
 */
function unlessOrphaned(operations: Readonly<Record<string, HelperOperation>>): Readonly<Record<string, HelperOperation>> {
  const owner = basename(ownerFile, '.lock')
  const guard =
    (operation: HelperOperation): HelperOperation =>
    async (params, context) => {
      if (isOwnerAlive(dirname(ownerFile), owner)) return operation(params, context)
      throw new LibpodError('closed', 'The host of this helper process is gone.', { what: 'helper process' })
    }
  return Object.fromEntries(Object.entries(operations).map(([name, operation]) => [name, guard(operation)]))
}

function environment(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
