import { existsSync } from 'node:fs'
import { serveHelper } from '../linux/helper/serve.ts'
import { prepareNamespaces } from '../linux/namespaces.ts'
import { spawnProcess } from '../linux/process/spawn.ts'
import { ociOperations } from '../oci/helper-operations.ts'
import { BoundContainers } from '../oci/monitors/bound-containers.ts'
import { storageOperations } from '../storage/helper-operations.ts'

/**
 * The helper process: `helper.js ROLE RUN_ROOT OWNER_FILE CLEANUP`. What is privileged, blocking, or fed by strangers runs
 * here. It is bundled into one file, so that nothing is loaded while it looks at somebody else's files. When its engine is
 * gone, it kills what must not outlive that engine, has the rest cleaned up, and ends.
 */
const [role = '', runRoot = '', ownerFile = '', cleanup = ''] = process.argv.slice(2)
const bound = new BoundContainers()

process.umask(0o022)
await prepareNamespaces()
serveHelper(role === 'storage' ? storageOperations : ociOperations(bound), {
  async onClosed() {
    await bound.killAll()
    // An engine that closes removes its owner file; one that died leaves it, and its ephemeral containers.
    if (role === 'oci' && existsSync(ownerFile)) startCleanup()
  },
})

function startCleanup(): void {
  const env = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined))
  spawnProcess({ file: process.execPath, args: [cleanup, runRoot], env, stdio: ['ignore', 'ignore', 'ignore'], setsid: true }).unref()
}
