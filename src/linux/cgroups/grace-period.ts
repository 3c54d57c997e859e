import { once } from '../../base/once.ts'
import { detectCgroups } from './detect.ts'
import { writeControl } from './files.ts'
import { cgroupsOfProcess, directoriesOf } from './paths.ts'

/**
 * The wait that a move between cgroups begins with. The kernel takes a lock for writing of which all processes are readers
 * (`cgroup_threadgroup_rwsem`), and on its way from their cheap side to the writers' it lets an RCU grace period pass, 6 to 30 ms. All
 * who wait at the same time wait for the same one, and who comes shortly after does not wait at all. So it can be had before it is
 * needed: whoever will soon have a process moved moves another one first, while there are other things to do.
 */
export class GracePeriod {
  readonly #host = once(detectCgroups)
  #begun: Promise<void> | undefined

  /**
   * Begins one, by moving this process to where it is: nothing changes by that. Resolves when it is over; one that is under way is joined.
   * Rejects where this process may not do that.
   */
  begin(): Promise<void> {
    this.#begun ??= this.#moveToSelf().finally(() => {
      this.#begun = undefined
    })
    return this.#begun
  }

  async #moveToSelf(): Promise<void> {
    // Looked at each time: somebody may have moved it, and is not to be contradicted.
    const paths = await cgroupsOfProcess(await this.#host(), 'self')
    // Any tree will do: they have the lock in common.
    const [directory] = paths === undefined ? [] : directoriesOf(paths)
    if (directory !== undefined) await writeControl(directory, 'cgroup.procs', '0')
  }
}
