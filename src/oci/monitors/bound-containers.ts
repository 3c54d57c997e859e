import { signalProcess, watchPid } from '../../linux/pidfd.ts'
import type { ProcessIdentity } from '../../linux/proc.ts'

const SIGKILL = 9

/** What must not outlive the host: the helper process ends all of it when its channel to the host closes. */
export class BoundContainers {
  readonly #kills = new Set<() => Promise<void>>()

  /** Registers how one of them is killed; the result takes it back. */
  add(kill: () => Promise<void>): () => void {
    this.#kills.add(kill)
    return () => this.#kills.delete(kill)
  }

  /** Registers a program until it ends. */
  addProcess({ pid, startTime }: ProcessIdentity): void {
    const watch = watchPid(pid, startTime)
    const unregister = this.add(async () => {
      signalProcess(pid, startTime, SIGKILL)
    })
    void watch.exited.then(unregister)
  }

  /** Kills all of them, and waits until they and their traces are gone. */
  async killAll(): Promise<void> {
    await Promise.allSettled([...this.#kills].map((kill) => kill()))
  }
}
