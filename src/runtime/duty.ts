import { readdir } from 'node:fs/promises'
import { eachLimited } from '../base/each-limited.ts'
import { isLibpodError } from '../base/errors.ts'
import { restartNow } from '../containers/lifecycle/restart-now.ts'
import { settleNow } from '../containers/lifecycle/when-ended.ts'
import { exitsDirOf } from '../containers/places.ts'
import type { LiveContainer } from '../containers/record.ts'
import type { ContainersServices, LiveEntries } from '../containers/services.ts'
import { type DirectoryWatcher, watchDirectory } from '../linux/inotify.ts'
import { type PidWatch, watchPid } from '../linux/pidfd.ts'
import { DutyLock } from '../locks/duty.ts'
import { sweepExit } from './sweep-exit.ts'

/** How many exits are handled together. */
const width = 8
/** How long after a ring the monitors of other engines' containers are looked up. */
const rescanDelayMs = 500

/**
 * What must be done once for a root: recording exits, restarting, noticing killed monitors. An open engine contends
 * for the lock and does it while it holds it. On stopping it unlocks, looks again, and takes the lock back if an exit
 * came in between: a prober that was refused a moment ago may not come again.
 */
export class Duty {
  readonly #services: ContainersServices
  readonly #lock: DutyLock
  readonly #stopping = new AbortController()
  readonly #monitors = new Map<string, PidWatch>()
  readonly #restarts = new Map<string, NodeJS.Timeout>()
  readonly #pending = new Set<Promise<void>>()
  readonly #handling = new Set<string>()
  #watcher: DirectoryWatcher | undefined
  #rescan: NodeJS.Timeout | undefined
  #contending: Promise<void> | undefined

  constructor(services: ContainersServices, lock: DutyLock) {
    this.#services = services
    this.#lock = lock
  }

  /** Whether this engine serves the root now. */
  get serving(): boolean {
    return this.#watcher !== undefined
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
      if (!this.#stopping.signal.aborted) this.#services.logger.error(`Taking over the duty of this root failed: ${String(error)}`)
    }
  }

  async #serve(): Promise<void> {
    const scan = (): void => this.#track(this.#scanExits())
    this.#watcher = watchDirectory(exitsDirOf(this.#services.places), {
      events: ['moved_to'],
      onEvent: ({ name }) => this.#track(this.#handle(name)),
      onOverflow: scan,
    })
    await this.#scanExits()
    await this.#watchMonitors()
    for (const { id, body } of await this.#services.live.all<LiveEntries['restart']>('restart'))
      this.scheduleRestart(id, new Date(body.dueAt))
  }

  /** Another engine changed something: its containers' monitors are to be watched too. */
  ring(): void {
    if (!this.serving || this.#rescan) return
    this.#rescan = setTimeout(() => {
      this.#rescan = undefined
      this.#track(this.#watchMonitors())
    }, rescanDelayMs)
    this.#rescan.unref()
  }

  /** A restart is due; nothing happens while this engine does not serve. */
  scheduleRestart(id: string, at: Date): void {
    if (!this.serving || this.#restarts.has(id)) return
    const timer = setTimeout(
      () => {
        this.#restarts.delete(id)
        this.#track(this.#quietly(`Restarting container ${id.slice(0, 12)}`, () => restartNow(this.#services, id)))
      },
      Math.max(0, at.getTime() - Date.now()),
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
    while (this.#pending.size > 0) await Promise.all(this.#pending)
  }

  /** Hands the duty over. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#contending
    for (;;) {
      clearTimeout(this.#rescan)
      for (const timer of this.#restarts.values()) clearTimeout(timer)
      this.#restarts.clear()
      const served = this.serving
      this.#watcher?.close()
      this.#watcher = undefined
      for (const watch of this.#monitors.values()) watch.close()
      this.#monitors.clear()
      await this.idle()
      if (!served) return
      this.#lock.release()
      if ((await this.#exitFiles()).length === 0 || !this.#lock.tryTake()) return
      await this.#serve()
      await this.idle()
    }
  }

  async #exitFiles(): Promise<string[]> {
    return (await readdir(exitsDirOf(this.#services.places))).filter((name) => /^[0-9a-f]{64}$/.test(name))
  }

  async #scanExits(): Promise<void> {
    await eachLimited(await this.#exitFiles(), width, (id) => this.#handle(id))
  }

  async #handle(id: string): Promise<void> {
    if (!/^[0-9a-f]{64}$/.test(id) || this.#handling.has(id)) return
    this.#handling.add(id)
    this.#monitors.get(id)?.close()
    this.#monitors.delete(id)
    await this.#quietly(`Handling the exit of container ${id.slice(0, 12)}`, async () => {
      await settleNow(this.#services, id)
      await sweepExit(this.#services, id)
    })
    this.#handling.delete(id)
  }

  async #watchMonitors(): Promise<void> {
    for (const { id, body } of await this.#services.live.all<LiveContainer>('container')) this.#watchMonitor(id, body)
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

  async #quietly(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (isLibpodError(error, 'closed')) return
      this.#services.logger.error(`${what} failed: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#pending.delete(tracked))
    this.#pending.add(tracked)
  }
}

/** Begins to contend for the duty of a root. With `heldFd` the lock is held already, by that descriptor. */
export async function openDuty(services: ContainersServices, path: string, heldFd: number | undefined): Promise<Duty> {
  const duty = new Duty(services, new DutyLock(path, heldFd))
  await duty.start()
  return duty
}
