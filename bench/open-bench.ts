import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Runtime } from 'libpod-ts'
import type { Bench } from './bench.ts'
import { command } from './commands.ts'
import { bareRuntimeRoot } from './floor.ts'
import { openPodman } from './podman.ts'

/** What {@link openBench} is told. */
export interface OpenBenchOptions extends Pick<Bench, 'options' | 'workspace' | 'signal' | 'say'> {
  readonly ociRuntime: string
}

/** An opened bench; closing it removes every container, whoever made it. */
export interface OpenedBench extends Bench {
  close(): Promise<void>
}

export async function openBench({ options, workspace, ociRuntime, signal, say }: OpenBenchOptions): Promise<OpenedBench> {
  const disk = join(workspace.disk, ociRuntime)
  const fast = join(workspace.fast, ociRuntime)
  const runRoot = join(fast, 'engine')
  for (const folder of [disk, fast]) mkdirSync(folder)
  const runtime = await Runtime.open({ root: join(disk, 'engine'), runRoot, oci: { runtime: ociRuntime }, logger: console })
  const closers: (() => Promise<unknown>)[] = [() => runtime.close()]
  const close = async (): Promise<void> => {
    for (const closer of closers.reverse()) await closer().catch((error: unknown) => console.error(error))
  }
  try {
    const { oci, monitor } = await runtime.info()
    closers.push(
      () => removeContainers(runtime),
      () => removeBareContainers(oci.path, bareRuntimeRoot({ fast })),
    )
    const image = await runtime.images.import(workspace.tarball, { tag: 'localhost/bench:latest' })
    const base = { ...(options.rootfs ? { rootfs: workspace.tree } : { image: image.id }), network: 'none' } as const
    const save = (path: string): Promise<void> => image.save({ path })
    const podman = await openPodman({ words: options.podman, runtime: oci.path, disk, fast, save })
    if (podman) closers.push(() => podman.close())
    return { options, workspace, oci, conmon: monitor.path, runtime, runRoot, base, fast, podman, signal, say, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function removeContainers(runtime: Runtime): Promise<void> {
  for (const { id } of await runtime.containers.list()) await runtime.containers.ref(id).remove({ force: true, ifExists: true })
}

/** What the floor and the bare runtime have left, if they were interrupted. */
async function removeBareContainers(runtime: string, root: string): Promise<void> {
  if (!existsSync(root)) return
  for (const id of readdirSync(root)) await command([runtime, '--root', root, 'delete', '--force', id])
}
