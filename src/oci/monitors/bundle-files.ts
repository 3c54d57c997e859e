import { join } from 'node:path'
import { unlinkIfThereSync } from '../../linux/fs/unlink.ts'
import type { MonitorPlace } from '../monitor.ts'

/** The files that a monitor and a runtime leave in a bundle. Their names are conmon's where it chooses them. */
export interface BundleFiles {
  /** Pid of the container's first process, written by the runtime. */
  readonly pid: string
  /** Pid and start time of the monitor, written by the helper before the runtime runs. */
  readonly monitorPid: string
  /** What the runtime logs while it creates. */
  readonly runtimeLog: string
  /** The monitor's own stderr. */
  readonly monitorLog: string
  readonly attach: string
  readonly control: string
  /** Is there when the kernel's OOM killer hit the container. */
  readonly oom: string
}

export function bundleFiles({ bundle }: Pick<MonitorPlace, 'bundle'>): BundleFiles {
  return {
    pid: join(bundle, 'pidfile'),
    monitorPid: join(bundle, 'monitor.pid'),
    runtimeLog: join(bundle, 'oci-log'),
    monitorLog: join(bundle, 'conmon.log'),
    attach: join(bundle, 'attach'),
    control: join(bundle, 'ctl'),
    oom: join(bundle, 'oom'),
  }
}

/** Removes what an earlier run of the container has left, lest it be taken for this one's. For the helper process. */
export function clearBundle(place: MonitorPlace): void {
  clearRun(place)
  unlinkIfThereSync(join(place.exitsDir, place.id))
}

/** The same for a container that leaves nothing outside its bundle. */
export function clearRun(place: Pick<MonitorPlace, 'bundle'>): void {
  const left = [...Object.values(bundleFiles(place)), join(place.bundle, 'winsz'), join(place.bundle, 'exit')]
  for (const file of left) unlinkIfThereSync(file)
}
