import { execFile } from 'node:child_process'
import { createWriteStream, existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { busyboxRootfs } from '../../examples/busybox.ts'
import { eventually } from '../support/eventually.ts'
import type { ParityCase } from './cases.ts'
import type { MadeConfig } from './compare.ts'

/** The images as `podman import` makes them: name to changes. */
export type PeerImages = Readonly<Record<string, readonly string[]>>

interface PeerOutput extends MadeConfig {
  /** Its runtime took it. */
  readonly started: boolean
}

/** Small enough for every machine: what is asked for where limits are not the question. */
export const smallLimits = { nofile: 512, nproc: 512 }

const script = fileURLToPath(new URL('podman.sh', import.meta.url))

/**
 * Podman's `config.json` of each case, in order. Podman runs in namespaces of its own, where all that it writes lies
 * in memory and all that it starts ends with them: nothing of the user's Podman is touched, and nothing stays.
 */
export async function podmanConfigs(input: {
  readonly cases: readonly ParityCase[]
  readonly images: PeerImages
  readonly imageOf: (parityCase: ParityCase) => string
  readonly runtime: string
  /** A containers.conf to be read after the machine's own. */
  readonly containersConf: string
}): Promise<MadeConfig[]> {
  const { cases, images, imageOf, runtime, containersConf } = input
  const folder = await mkdtemp(join(tmpdir(), 'libpod-ts-parity-'))
  try {
    await pipeline(busyboxRootfs(), createWriteStream(join(folder, 'rootfs.tar')))
    await writeFile(join(folder, 'containers.conf'), containersConf)
    const imports = Object.entries(images).map(([name, changes]) => [
      ...changes.flatMap((change) => ['--change', change]),
      join(folder, 'rootfs.tar'),
      name,
    ])
    await writeFile(join(folder, 'imports'), quotedLines(imports))
    await writeFile(join(folder, 'cases'), quotedLines(cases.map((parityCase) => createArguments(parityCase, imageOf(parityCase)))))
    const pidMax = (await readFile('/proc/sys/kernel/pid_max', 'utf8')).trim()
    const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
    const { stdout, stderr } = await promisify(execFile)('unshare', [...namespaces, 'sh', script, folder, runtime, pidMax], {
      maxBuffer: 2 ** 26,
    })
    const outputs = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as PeerOutput)
    for (const { id } of outputs) await removeCgroups(id)
    const refused = cases.filter(({ usualLimits }, index) => !usualLimits && !outputs[index]?.started).map(({ name }) => name)
    if (refused.length > 0) throw new Error(`Podman did not make ${refused.join(', ')}: ${stderr}`)
    return outputs
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** On a machine under load runc gives up too early: by now all the processes are dead for sure. */
async function removeCgroups(id: string): Promise<void> {
  const top = '/sys/fs/cgroup'
  for (const tree of await readdir(top)) {
    const cgroup = join(top, tree, 'libpod_parent', `libpod-${id}`)
    if (existsSync(cgroup)) await eventually(() => rmdir(cgroup))
  }
}

function createArguments({ podman, command, network, usualLimits }: ParityCase, image: string): string[] {
  const limits = usualLimits ? [] : Object.entries(smallLimits).flatMap(([name, limit]) => ['--ulimit', `${name}=${limit}`])
  return ['--network', network ?? 'none', ...limits, ...podman, image, ...(command ?? [])]
}

function quotedLines(lines: readonly (readonly string[])[]): string {
  return lines.map((words) => `${words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')}\n`).join('')
}
