import { randomBytes } from 'node:crypto'
import { cpSync, lstatSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Bench } from './bench.ts'

/** A container's bundle as the engine wrote it, to be run by others. */
export interface Model {
  readonly id: string
  readonly bundle: string
}

/** Has the engine run a container, and keeps its bundle. */
export async function makeModel({ runtime, base }: Bench, command: readonly string[]): Promise<Model> {
  const container = await runtime.containers.create({ ...base, command: [...command] })
  await container.start()
  await container.wait()
  const { ociConfigPath } = await container.inspect()
  return { id: container.id, bundle: dirname(ociConfigPath) }
}

/**
 * A bundle for a bare runtime, with the engine's own `config.json`. Only these differ: the root file system is the exploded tree,
 * because the engine's is mounted nowhere else; the id; and a filter that the engine has compiled beforehand is left out, so that the
 * runtime compiles the profile that is there as JSON.
 */
export function copyModel({ workspace }: Bench, { id, bundle }: Model, copy: string): void {
  const other = randomBytes(32).toString('hex')
  cpSync(bundle, copy, { recursive: true, filter: (path) => isPlain(path) })
  const text = readFileSync(join(bundle, 'config.json'), 'utf8').replaceAll(bundle, copy).replaceAll(id, other)
  writeFileSync(join(copy, 'config.json'), rewrite(text, workspace.tree))
}

/** No number of JavaScript holds a limit of infinity exactly, so it is a text while the rest is changed. */
function rewrite(text: string, tree: string): string {
  const unlimited = '18446744073709551615'
  const config = JSON.parse(text.replaceAll(`:${unlimited}`, `:"${unlimited}"`)) as {
    root: { path: string }
    annotations?: Record<string, string>
  }
  config.root.path = tree
  delete config.annotations?.['run.oci.seccomp_bpf_data']
  return JSON.stringify(config).replaceAll(`:"${unlimited}"`, `:${unlimited}`)
}

/** Sockets and fifos belong to the monitor that made them. */
function isPlain(path: string): boolean {
  const stat = lstatSync(path)
  return stat.isFile() || stat.isDirectory()
}
