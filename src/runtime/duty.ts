import { readdir } from 'node:fs/promises'
import { eachLimited } from '../base/each-limited.ts'
import { isLibpodError } from '../base/errors.ts'
import { sleep } from '../base/time.ts'
import { forgetKeptExits } from '../containers/lifecycle/kept-exits.ts'
import { restartNow } from '../containers/lifecycle/restart-now.ts'
import { carryOnStop } from '../containers/lifecycle/stop.ts'
import { settleNow } from '../containers/lifecycle/when-ended.ts'
import { exitsDirOf } from '../containers/places.ts'
import type { LiveContainer } from '../containers/record.ts'
import { longestDelayMs } from '../containers/restart-policy.ts'
import type { ContainersServices, LiveEntries } from '../containers/services.ts'
import { whileClosing } from '../containers/while-closing.ts'
import { type DirectoryWatcher, watchDirectory } from '../linux/inotify.ts'
import { type PidWatch, watchPid } from '../linux/pidfd.ts'
import type { DutyLock } from '../locks/duty.ts'
import { isOwnerAlive } from '../locks/owners.ts'
import { sweepExit } from './sweep-exit.ts'

/** How many exits are handled together. */
const width = 8
/** How long after a ring it is looked up what other engines have to be done. */
const rescanDelayMs = 500
/** The kernel tells of an engine's end a moment before it frees its lock. */
const looksForDeadMs = [10, 90]

/** What {@link Duty} is made with. */
export interface DutyOptions {
  readonly lock: DutyLock
  readonly ownersDir: string
  /** Cleans up after engines that died. */
  recoverDead(): Promise<void>
}

/**
 * What must be done once for a root: recording exits, restarting, noticing killed monitors and engines. An open engine contends
 * for the lock and does it while it holds it. On stopping it unlocks, looks again, and takes the lock back if an exit
 * came in between: a prober that was refused a moment ago may not come again.
 */
export class Duty {
  readonly #services: ContainersServices
  /** An end that came before this engine closed is recorded all the same: nobody else may be there to do it. */
  readonly #ending: ContainersServices
  readonly #options: DutyOptions
  readonly #lock: DutyLock
  readonly #stopping = new AbortController()
  readonly #monitors = new Map<string, PidWatch>()
  readonly #restarts = new Map<string, NodeJS.Timeout>()
  readonly #pending = new Set<Promise<void>>()
  /** Whose exit is being handled; `true` when another one came meanwhile. */
  readonly #handling = new Map<string, boolean>()
  readonly #stops = new Set<string>()
  #watchers: DirectoryWatcher[] = []
  #rescan: NodeJS.Timeout | undefined
  #contending: Promise<void> | undefined
  #recovering: Promise<void> | undefined

  constructor(services: ContainersServices, options: DutyOptions) {
    this.#services = services
    this.#ending = whileClosing(services)
    this.#options = options
    this.#lock = options.lock
  }

  /** Whether this engine serves the root now. */
  get serving(): boolean {
    return this.#watchers.length > 0
  }

  /** Serves at once if nobody else does, and otherwise as soon as nobody does. */
  async start(): Promise<void> {
    if (this.#lock.tryTake()) return this.#serve()
    this.#contending = this.#contend()
  }

  async #contend(): Promise<void> {
    try {
      await this.#lock.whenTaken(this.#stopping.signal)
      await this.#serve()
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#services.logger.error(`Taking over the duty of this root failed: ${messageOf(error)}`)
    }
  }

  async #serve(): Promise<void> {
    const { ownersDir } = this.#options
    this.#watchers = [
      watchDirectory(exitsDirOf(this.#services.places), {
        events: ['moved_to'],
        onEvent: ({ name }) => this.#track(this.#handle(name)),
        onOverflow: () => this.#track(this.#scanExits()),
      }),
      watchDirectory(ownersDir, {
        events: ['close_write'],
        onEvent: () => this.#recoverDead(),
        onOverflow: () => this.#recoverDead(),
      }),
    ]
    await this.#scanExits()
    await this.#scanLive()
    await forgetKeptExits(this.#services)
    // One that died while this engine was opened may not have been dead to the look that was taken then.
    this.#recoverDead()
  }

  /** Another engine changed something: its containers' monitors are to be watched, and its restarts carried out, too. */
  ring(): void {
    if (!this.serving || this.#rescan) return
    this.#rescan = setTimeout(() => {
      this.#rescan = undefined
      this.#track(this.#quietly('Looking after the containers of other engines', () => this.#scanLive()))
    }, rescanDelayMs)
    this.#rescan.unref()
  }

  /** A restart is due; nothing happens while this engine does not serve. */
  scheduleRestart(id: string, at: Date): void {
    if (!this.serving) return
    clearTimeout(this.#restarts.get(id))
    const timer = setTimeout(
      () => {
        this.#restarts.delete(id)
        this.#track(this.#quietly(`Restarting container ${id.slice(0, 12)}`, () => restartNow(this.#services, id)))
      },
      // A clock that is set back does not put it off.
      Math.min(Math.max(0, at.getTime() - Date.now()), longestDelayMs),
    )
    timer.unref()
    this.#restarts.set(id, timer)
  }

  /** Whether restarts are due: a clean-up program stays for them. */
  get restartsPending(): boolean {
    return this.#restarts.size > 0
  }

  /** Resolves when nothing is being handled. */
  async idle(): Promise<void> {
    // What is being handled may itself wait by a timer that keeps nobody alive; whoever waits here has nothing else to live for.
    const alive = setInterval(() => {}, 1000)
    try {
      while (this.#pending.size > 0) await Promise.all(this.#pending)
    } finally {
      clearInterval(alive)
    }
  }

  /** Hands the duty over. `true`: restarts are due, or containers are being stopped, and nobody may be there to go on with that. */
  async stop(): Promise<boolean> {
    this.#stopping.abort()
    await this.#contending
    let leaves = false
    let before = ''
    for (;;) {
      clearTimeout(this.#rescan)
      leaves ||= this.#stops.size > 0
      for (const timer of this.#restarts.values()) clearTimeout(timer)
      this.#restarts.clear()
      const served = this.serving
      for (const watcher of this.#watchers) watcher.close()
      this.#watchers = []
      for (const watch of this.#monitors.values()) watch.close()
      this.#monitors.clear()
      await this.idle()
      if (!served) return leaves
      leaves ||= await this.#isMoreToDo()
      this.#lock.release()
      // Those that were there a round ago cannot be handled, or not now: whoever serves next tries that again.
      const left = (await this.#exitFiles()).join()
      if (left === '' || left === before || !this.#lock.tryTake()) return leaves
      before = left
      await this.#serve()
      await this.idle()
    }
  }

  /** Restarts, also such that came only now, with an end that was recorded last; and stops of this engine, which it cannot bring to an end. */
  async #isMoreToDo(): Promise<boolean> {
    const { live, owner } = this.#services
    if ((await live.all('restart')).length > 0) return true
    return (await live.all<LiveContainer>('container')).some(({ body }) => body.stopping?.owner === owner)
  }

  async #exitFiles(): Promise<string[]> {
    return (await readdir(exitsDirOf(this.#services.places))).filter((name) => /^[0-9a-f]{64}$/.test(name))
  }

  async #scanExits(): Promise<void> {
    await eachLimited(await this.#exitFiles(), width, (id) => this.#handle(id))
  }

  async #handle(id: string): Promise<void> {
    if (!/^[0-9a-f]{64}$/.test(id)) return
    if (this.#handling.has(id)) {
      this.#handling.set(id, true)
      return
    }
    this.#monitors.get(id)?.close()
    this.#monitors.delete(id)
    do {
      this.#handling.set(id, false)
      await this.#quietly(`Handling the exit of container ${id.slice(0, 12)}`, async () => {
        await settleNow(this.#ending, id)
        await sweepExit(this.#ending, id)
      })
    } while (this.#handling.get(id))
    this.#handling.delete(id)
  }

  async #scanLive(): Promise<void> {
    const { live } = this.#services
    for (const { id, body } of await live.all<LiveContainer>('container')) {
      this.#watchMonitor(id, body)
      this.#carryOnStop(id, body)
    }
    for (const { id, body } of await live.all<LiveEntries['restart']>('restart'))
      if (!this.#restarts.has(id)) this.scheduleRestart(id, new Date(body.dueAt))
  }

  /** A monitor that is killed writes no exit file. The container's own process is watched in its place then. */
  #watchMonitor(id: string, live: LiveContainer): void {
    if (live.phase !== 'started' || live.monitorPid === undefined || this.#monitors.has(id)) return
    const watch = watchPid(live.monitorPid, live.monitorStartTime)
    this.#monitors.set(id, watch)
    void watch.exited.then(() => {
      if (this.#monitors.get(id) !== watch) return
      this.#monitors.delete(id)
      this.#track(this.#quietly(`Looking after container ${id.slice(0, 12)}`, () => settleNow(this.#services, id)))
      const { pid, pidStartTime, ...rest } = live
      if (pid !== undefined && pidStartTime !== undefined)
        this.#watchMonitor(id, { ...rest, monitorPid: pid, monitorStartTime: pidStartTime })
    })
  }

  /** The engine that was stopping it is gone. */
  #carryOnStop(id: string, { stopping }: LiveContainer): void {
    if (stopping === undefined || this.#stops.has(id) || isOwnerAlive(this.#options.ownersDir, stopping.owner)) return
    this.#stops.add(id)
    const { signal } = this.#stopping
    const stopped = this.#quietly(`Stopping container ${id.slice(0, 12)}`, () =>
      carryOnStop(this.#services, id, stopping.dueAt, { signal }),
    )
    this.#track(stopped.finally(() => this.#stops.delete(id)))
  }

  #recoverDead(): void {
    if (this.#recovering) return
    this.#recovering = this.#quietly('Cleaning up after another engine', async () => {
      for (const ms of looksForDeadMs) {
        await sleep(ms, { signal: this.#stopping.signal, unref: true })
        await this.#options.recoverDead()
        await this.#scanLive()
      }
    }).finally(() => {
      this.#recovering = undefined
    })
    this.#track(this.#recovering)
  }

  async #quietly(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (isLibpodError(error, 'closed') || (this.#stopping.signal.aborted && error === this.#stopping.signal.reason)) return
      this.#services.logger.error(`${what} failed: ${messageOf(error)}`)
    }
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#pending.delete(tracked))
    this.#pending.add(tracked)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Begins to contend for the duty of a root. */
export async function openDuty(services: ContainersServices, options: DutyOptions): Promise<Duty> {
  const duty = new Duty(services, options)
  await duty.start()
  return duty
}
