import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { testRuntime } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'

/** What the service found: one instance of it. */
export interface Report {
  readonly pid: number
  readonly found: readonly FoundContainer[]
}

/** A container as the service sees it. */
export interface FoundContainer {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly exitCode?: number
  readonly pid?: number
  readonly monitorPid?: number
  /** Its whole log. */
  readonly lines: readonly string[]
}

/** The host application as a transient service of systemd, with its usual settings: stopping it kills all in its cgroup. */
export class HostService {
  readonly unit = `libpod-ts-test-${process.pid}.service`
  readonly #report: string
  readonly #settings: string

  constructor(settings: {
    readonly root: string
    readonly runRoot: string
    readonly report: string
    readonly containers: readonly object[]
  }) {
    this.#report = settings.report
    this.#settings = JSON.stringify({ ...settings, runtime: testRuntime })
  }

  /** Starts it, and waits for what it finds. */
  async start(): Promise<Report> {
    const program = [process.execPath, fileURLToPath(new URL('./host.mjs', import.meta.url)), this.#settings]
    return this.#reported(() => run('systemd-run', ['--quiet', '--collect', `--unit=${this.unit}`, ...program]))
  }

  restart(): Promise<Report> {
    return this.#reported(() => run('systemctl', ['restart', this.unit]))
  }

  async stop(): Promise<void> {
    await run('systemctl', ['stop', this.unit])
  }

  async #reported(begin: () => Promise<unknown>): Promise<Report> {
    await rm(this.#report, { force: true })
    await begin()
    return eventually(async () => JSON.parse(await readFile(this.#report, 'utf8')) as Report, 240_000)
  }
}

/** Runs a program of the host; gives what it wrote. */
export async function run(program: string, args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(program, args)).stdout.trim()
}

/** The cgroup that a process is in. */
export async function cgroupOfProcess(pid: number | undefined): Promise<string> {
  return (await readFile(`/proc/${pid}/cgroup`, 'utf8')).trim().replace(/^0::/, '')
}

/** A file of a cgroup. */
export async function control(cgroup: string, file: string): Promise<string> {
  return (await readFile(`/sys/fs/cgroup${cgroup}/${file}`, 'utf8')).trim()
}
