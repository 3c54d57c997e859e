import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Runtime, type RuntimeOptions } from 'libpod-ts'
import { expect, vi } from 'vitest'
import { busyboxRootfs } from '../../examples/busybox.ts'
import { image, testRuntime } from './engine.ts'
import { eventually } from './eventually.ts'
import { cgroupsOf, processesOf, type TracedPlace, type Traces, tracesOf } from './traces.ts'

export { eventually }

/** A root to kill engines on, with the test image in it and nothing else. */
export class Place implements TracedPlace {
  readonly root: string
  readonly runRoot: string
  /** All cgroups of this place lie here. */
  readonly cgroupParent: string
  #before: Traces | undefined

  constructor(root: string, runRoot: string) {
    this.root = root
    this.runRoot = runRoot
    this.cgroupParent = `/survival-${randomBytes(6).toString('hex')}`
  }

  /** Options that containers of this place are created with. */
  get container(): {
    readonly image: string
    readonly cgroupParent?: string
    readonly network: 'none'
    readonly security: { readonly seccomp: string }
  } {
    // runc compiles a profile at each of its calls, which takes most of the time.
    const container = { image, network: 'none', security: { seccomp: 'unconfined' } } as const
    return isRoot ? { ...container, cgroupParent: this.cgroupParent } : container
  }

  /** An engine that tells what it could only log: the caller decides what may be told. */
  open(options: RuntimeOptions = {}): Promise<Runtime> {
    return Runtime.open({ root: this.root, runRoot: this.runRoot, oci: { runtime: testRuntime }, ...options })
  }

  /** Opens an engine for some work, and closes it. */
  async with<T>(work: (runtime: Runtime) => Promise<T>, options?: RuntimeOptions): Promise<T> {
    const runtime = await this.open(options)
    try {
      return await work(runtime)
    } finally {
      await runtime.close()
    }
  }

  /** Waits until only monitors and their containers are left of the engines: the clean-up has been done. */
  async quiet(): Promise<void> {
    const busy = /^\d+ (?!\S*conmon ).*(helper\.js|cleanup\.js|exit\.sh|victim\.mjs)/
    await vi.waitFor(async () => expect(processesOf(this).filter((line) => busy.test(line))).toEqual([]), {
      timeout: 15_000,
      // Each look takes some ms of a processor that those who are waited for need.
      interval: 40,
    })
  }

  /** Removes what is there, collects garbage, and compares with how it was when the place was new. */
  async expectClean(): Promise<void> {
    const before = linesOf(this.#before)
    await eventually(async () => {
      const now = linesOf(await tracesOf(this))
      expect({ more: now.filter((line) => !before.includes(line)), less: before.filter((line) => !now.includes(line)) }).toEqual({
        more: [],
        less: [],
      })
    }, 10_000)
  }

  /** Removes all pods, containers and volumes, and images other than the test image. */
  async clear(runtime: Runtime): Promise<void> {
    for (const { id } of await runtime.pods.list()) await runtime.pods.ref(id).remove({ force: true, ifExists: true })
    for (const { id } of await runtime.containers.list()) await runtime.containers.ref(id).remove({ force: true, ifExists: true })
    for (const { id, names } of await runtime.images.list())
      if (!names.includes(image)) await runtime.images.ref(id).remove({ force: true, ifExists: true })
    await runtime.prune({ volumes: true })
  }

  async prepare(): Promise<this> {
    await this.with(async (runtime) => {
      await runtime.images.import(busyboxRootfs(), { tag: image, changes: ['CMD ["/bin/sh"]'] })
      await runtime.containers.run({ ...this.container, command: ['true'] })
      const inCgroup = isRoot ? { cgroupParent: this.cgroupParent } : {}
      await (await runtime.pods.create({ ...inCgroup, network: 'none' })).remove()
    })
    return this.remember()
  }

  /** From now on, what is there now is what has to be there. */
  async remember(): Promise<this> {
    this.#before = await tracesOf(this)
    return this
  }

  /** Removes the cgroups of containers that died without their runtime. */
  async dropCgroups(): Promise<void> {
    for (const cgroup of await cgroupsOf(this)) await eventually(() => rmdir(cgroup))
  }

  /** Takes the place away. Nothing may run there any more. */
  async remove(): Promise<void> {
    // Overlay makes folders that not even their owner may look into.
    if (!isRoot) execFileSync('chmod', ['-R', 'u+rwX', this.root])
    for (const path of [this.root, this.runRoot]) await rm(path, { recursive: true, force: true, maxRetries: 5 })
    const top = '/sys/fs/cgroup'
    for (const tree of ['', ...(await readdir(top))]) await rmdir(join(top, tree, this.cgroupParent)).catch(() => {})
  }
}

/** Containers of an ordinary user have no cgroups of their own. */
const isRoot = process.geteuid?.() === 0

function linesOf(traces: Traces | undefined): string[] {
  return Object.entries(traces ?? {}).flatMap(([kind, found]) => (found as string[]).map((line) => `${kind}: ${line}`))
}

/** Makes a place; its run root is on tmpfs, as it should be. */
export async function makePlace(): Promise<Place> {
  const [root, runRoot] = await Promise.all([
    mkdtemp(join(tmpdir(), 'libpod-ts-survival-')),
    mkdtemp(join('/dev/shm', 'libpod-ts-survival-')),
  ])
  return new Place(root, runRoot).prepare()
}
