import { isLibpodError } from '../../base/errors.ts'
import { type CgroupHost, detectCgroups } from '../../linux/cgroups/detect.ts'
import { createCgroup, moveProcess } from '../../linux/cgroups/manage.ts'
import type { CgroupPaths } from '../../linux/cgroups/paths.ts'
import { openStandingUnit } from '../../linux/cgroups/standing-unit.ts'

/** The cgroup that all monitors of a host are in: systemd keeps those of its own services only. */
export function monitorCgroup(systemd: boolean): string {
  return systemd ? '/machine.slice/libpod-conmon.service' : '/libpod_parent/conmon'
}

/** The cgroups that monitors are put into. For the helper process: it looks at the host once, and makes each cgroup once. */
export class MonitorCgroups {
  #host: Promise<CgroupHost> | undefined
  readonly #made = new Map<string, Promise<CgroupPaths>>()

  /** On v1 a move waits for other CPUs, and nothing that a monitor starts would stay in its cgroup: it may come after. */
  async mayMoveLater(): Promise<boolean> {
    return (await this.#detect()).mode !== 'v2'
  }

  /** Moves a process into a cgroup, which is made if need be. One that is gone meanwhile is no failure. */
  async move(path: string, pid: number): Promise<void> {
    const known = this.#made.get(path)
    try {
      await moveProcess(await (known ?? this.#make(path)), pid)
    } catch (error) {
      // Somebody has removed it since.
      if (known === undefined || !isLibpodError(error, 'not-found')) throw error
      await moveProcess(await this.#make(path), pid)
    }
  }

  #make(path: string): Promise<CgroupPaths> {
    const made = this.#detect().then((host) =>
      path.endsWith('.service') ? openStandingUnit(host, path, 'Monitors of containers') : createCgroup(host, path),
    )
    this.#made.set(path, made)
    made.catch(() => this.#made.delete(path))
    return made
  }

  #detect(): Promise<CgroupHost> {
    this.#host ??= detectCgroups().catch((error: unknown) => {
      this.#host = undefined
      throw error
    })
    return this.#host
  }
}
