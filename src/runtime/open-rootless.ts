import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EngineConfig } from '../config/engine-config.ts'
import { detectCgroups } from '../linux/cgroups/detect.ts'
import { joinNamespaces, type RootlessHost, stayInNamespaces } from '../linux/user-namespace/rootless-host.ts'
import { bundleFiles } from '../oci/monitors/bundle-files.ts'

/** Whether this process lives in the namespaces of rootless containers already: there, their user is root. */
export function isInside({ uid, rootless }: EngineConfig): boolean {
  return rootless && process.geteuid?.() !== uid
}

/** What is told of a user who was given other ids while something of his ran. */
export const outdatedIds =
  'The ranges of this user in /etc/subuid or /etc/subgid have changed; his containers have the former ones until none of them runs and no engine of his is open.'

/** The namespaces for the containers of an ordinary user; `undefined` for root, who needs none. */
export async function openRootless(config: EngineConfig): Promise<RootlessHost | undefined> {
  const { rootless, runRoot, monitorEnv } = config
  if (!rootless) return undefined
  if (isInside(config)) return stayInNamespaces(runRoot)
  return joinNamespaces({ runRoot, env: monitorEnv, hide: await hidden(), insiders: () => insidersOf(runRoot) })
}

/** crun refuses hybrid trees of cgroups; an ordinary user can make no cgroups in either part, so that he loses nothing. */
async function hidden(): Promise<string[]> {
  const { mode, unified } = await detectCgroups()
  return mode === 'hybrid' && unified !== undefined ? [unified] : []
}

/** The processes of containers, as their bundles name them: monitors, and programs whose monitor was killed. */
async function insidersOf(runRoot: string): Promise<number[]> {
  const folder = join(runRoot, 'containers')
  const bundles = await readdir(folder).catch(() => [])
  const texts = await Promise.all(
    bundles.flatMap((bundle) => {
      const { monitorPid, pid } = bundleFiles({ bundle: join(folder, bundle) })
      return [monitorPid, pid].map((file) => readFile(file, 'utf8').catch(() => ''))
    }),
  )
  return texts.map((text) => Number.parseInt(text, 10)).filter((pid) => pid > 1)
}
