import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Runtime } from 'libpod-ts'
import type { Agreement } from '../src/linux/user-namespace/agreement.ts'
import type { Bench } from './bench.ts'
import { command } from './commands.ts'
import { bareRuntimeRoot } from './floor.ts'
import { openPodman } from './podman.ts'

/** What {@link openBench} is told. */
export interface OpenBenchOptions extends Pick<Bench, 'options' | 'workspace' | 'view' | 'signal' | 'say'> {
  readonly ociRuntime: string
}

/** An opened bench; closing it removes every container, whoever made it. */
export interface OpenedBench extends Bench {
  close(): Promise<void>
}

export async function openBench({ options, workspace, view, ociRuntime, signal, say }: OpenBenchOptions): Promise<OpenedBench> {
  const disk = join(workspace.disk, view)
  const fast = join(workspace.fast, view)
  const runRoot = join(fast, 'engine')
  const rootless = view === 'rootless'
  if (!rootless) for (const folder of [disk, fast]) mkdirSync(folder)
  const runtime = await Runtime.open({ root: join(disk, 'engine'), runRoot, oci: { runtime: ociRuntime }, logger: console })
  const closers: (() => Promise<unknown>)[] = [() => runtime.close()]
  const close = async (): Promise<void> => {
    for (const closer of closers.reverse()) await closer().catch((error: unknown) => console.error(error))
  }
  try {
    const { oci, monitor } = await runtime.info()
    const inside = rootless ? wayInside(runRoot) : []
    closers.push(
      () => removeContainers(runtime),
      () => removeBareContainers([...inside, oci.path], bareRuntimeRoot({ fast })),
    )
    const image = await runtime.images.import(workspace.tarball, { tag: 'localhost/bench:latest' })
    const base = { ...(options.rootfs ? { rootfs: workspace.tree } : { image: image.id }), network: 'none' } as const
    const save = (path: string): Promise<void> => image.save({ path })
    // Without root it would have to be set up for the user first.
    const podman = rootless ? undefined : await openPodman({ words: options.podman, runtime: oci.path, disk, fast, save })
    if (podman) closers.push(() => podman.close())
    return { options, workspace, view, oci, conmon: monitor.path, inside, runtime, runRoot, base, fast, podman, signal, say, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Into the namespaces that the engines of an ordinary user share. */
function wayInside(runRoot: string): string[] {
  const { holders } = JSON.parse(readFileSync(join(runRoot, 'namespaces.json'), 'utf8')) as Agreement
  const [{ pid = 0, fds } = {}] = holders
  const paths = fds ? { user: `fd/${fds.user}`, mount: `fd/${fds.mount}` } : { user: 'ns/user', mount: 'ns/mnt' }
  return ['nsenter', `--user=/proc/${pid}/${paths.user}`, `--mount=/proc/${pid}/${paths.mount}`, '--preserve-credentials']
}

async function removeContainers(runtime: Runtime): Promise<void> {
  for (const { id } of await runtime.containers.list()) await runtime.containers.ref(id).remove({ force: true, ifExists: true })
}

/** What the floor and the bare runtime have left, if they were interrupted. */
async function removeBareContainers(runtime: readonly string[], root: string): Promise<void> {
  if (!existsSync(root)) return
  for (const id of readdirSync(root)) await command([...runtime, '--root', root, 'delete', '--force', id])
}
