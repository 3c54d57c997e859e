import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ErrorCode } from 'libpod-ts'
import { testRuntime } from './engine.ts'
import type { Place } from './place.ts'

/** Who is killed at a step of the host: the host itself, its helper, or the monitors; or the clean-up program at a step of its own. */
export type Target = 'host' | 'helper' | 'conmon' | 'cleanup'

/** What a victim is to do; the scenarios are in victim.mjs. */
export interface VictimOptions {
  readonly scenario: string
  /** `before:STEP` or `after:STEP`, of the host. */
  readonly probe?: string
  readonly target?: Exclude<Target, 'cleanup'>
  /** Its event loop stands still for so long before the kill: what it has begun on other threads goes on. */
  readonly lingerMs?: number
  /** With the target `host`: kills its helper before, so that there is nobody to clean up. */
  readonly withHelper?: boolean
  /** The same for the clean-up program; a third part names a file that it makes as it dies. */
  readonly cleanupProbe?: string
  /** Tarball for scenarios with images. */
  readonly tar?: string
  /** Options of every container. */
  readonly options?: object
  /** Containers for `stay` and `leave`: options, and the verb: `create` (and start), `ephemeral` or `run`. */
  readonly stay?: readonly object[]
  /** Codes of errors that are no fault, for `mixed` and `contend`. */
  readonly expected?: readonly ErrorCode[]
  /** How long `contend` lasts. */
  readonly forMs?: number
}

/** What a victim printed. */
export interface Said {
  readonly id?: string
  readonly hit?: number
  readonly done?: true
  readonly failed?: string
  readonly message?: string
  readonly ready?: true
  readonly fault?: string
  /** An operation that came to an end, and the code of its error. */
  readonly did?: string
  readonly count?: number
}

/** A host that runs. */
export interface Victim {
  readonly process: ChildProcess
  readonly pid: number
  readonly said: readonly Said[]
  /** Resolves when it is dead: whether SIGKILL did it. */
  readonly ended: Promise<{ readonly killed: boolean }>
  /** Resolves when it has said so. */
  ready(): Promise<void>
  kill(): Promise<void>
}

const program = fileURLToPath(new URL('./victim.mjs', import.meta.url))

/** Starts a host of its own process on the place. */
export function startVictim(place: Place, { cleanupProbe, target = 'host', options, ...rest }: VictimOptions): Victim {
  const { root, runRoot, container } = place
  const settings = {
    root,
    runRoot,
    target,
    ...rest,
    runtime: testRuntime,
    options: { ...container, ...options },
  }
  const child = spawn(process.execPath, [program, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, LIBPOD_TS_PROBE: cleanupProbe ?? '' },
  })
  const said: Said[] = []
  let unread = ''
  let wake = (): void => {}
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (unread + text).split('\n')
    unread = lines.pop() ?? ''
    said.push(...lines.map((line) => JSON.parse(line) as Said))
    wake()
  })
  const ended = once(child, 'close').then(() => ({ killed: child.signalCode === 'SIGKILL' }))
  return {
    process: child,
    pid: child.pid ?? 0,
    said,
    ended,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async ready() {
      while (!said.some(({ ready }) => ready)) {
        const heard = new Promise<'heard'>((resolve) => {
          wake = () => resolve('heard')
        })
        if ((await Promise.race([heard, ended])) !== 'heard' && !said.some(({ ready }) => ready))
          throw new Error(`The host ended before it was ready: ${JSON.stringify(said)}`)
      }
    },
  }
}

/** The same, to its end. */
export async function runVictim(
  place: Place,
  options: VictimOptions,
): Promise<{ readonly killed: boolean; readonly said: readonly Said[] }> {
  const victim = startVictim(place, options)
  const { killed } = await victim.ended
  return { killed, said: victim.said }
}
