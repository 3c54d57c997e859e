import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Runtime, type RuntimeOptions } from 'libpod-ts'
import { afterAll, beforeAll, expect, vi } from 'vitest'
import { busyboxRootfs } from '../../examples/busybox.ts'
import { machineState } from './machine.ts'

/** The OCI runtime that this run of the tests is about; the first that works on this host if none was named. */
export const testRuntime = process.env['TEST_RUNTIME']

/** The image every test uses. */
export const image = 'localhost/busybox:latest'

/** A root of the tests' own, with one engine on it and the busybox image in it. */
export interface TestEngine {
  readonly runtime: Runtime
  readonly root: string
  readonly runRoot: string
  /** Another engine on the same root; the caller closes it. */
  open(options?: RuntimeOptions): Promise<Runtime>
}

/**
 * One engine for all tests of a file. Afterwards every container is removed, and the machine must be as it was: mounts,
 * processes and cgroups.
 */
export function useEngine(options: RuntimeOptions = {}): TestEngine {
  const engine: { runtime?: Runtime; root?: string; runRoot?: string } = {}
  let before: Awaited<ReturnType<typeof machineState>>
  const required = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('The engine is open only while tests run.')
    return value
  }
  const self: TestEngine = {
    get runtime() {
      return required(engine.runtime)
    },
    get root() {
      return required(engine.root)
    },
    get runRoot() {
      return required(engine.runRoot)
    },
    open: (more = {}) =>
      Runtime.open({ root: self.root, runRoot: self.runRoot, logger: failingLogger, oci: { runtime: testRuntime }, ...options, ...more }),
  }
  beforeAll(async () => {
    before = await machineState()
    const place = await mkdtemp(join(tmpdir(), 'libpod-ts-'))
    engine.root = join(place, 'root')
    engine.runRoot = join(place, 'run')
    engine.runtime = await self.open()
    await engine.runtime.images.import(busyboxRootfs(), { tag: image, changes: ['CMD ["/bin/sh"]'] })
  })
  afterAll(async () => {
    if (engine.runtime === undefined) return
    for (const { id } of await self.runtime.pods.list()) await self.runtime.pods.ref(id).remove({ force: true, ifExists: true })
    for (const { id } of await self.runtime.containers.list()) await self.runtime.containers.ref(id).remove({ force: true, ifExists: true })
    // Only the engine can remove what belongs to other ids than an ordinary user's.
    if (process.geteuid?.() !== 0) await self.runtime.prune({ all: true, volumes: true })
    await self.runtime.close()
    await rm(join(self.root, '..'), { recursive: true, force: true })
    await vi.waitFor(async () => expect(await machineState()).toEqual(before), { timeout: 10_000, interval: 100 })
  })
  return self
}

/** What the engine could only log is a failure in a test. */
export const failingLogger = {
  debug() {},
  warn(message: string) {
    throw new Error(`The engine warned: ${message}`)
  },
  error(message: string) {
    throw new Error(`The engine logged an error: ${message}`)
  },
}
