import type { Target, VictimOptions } from '../support/victims.ts'

/** One row of the table: a step, what is done when it is come to, and who is killed there. */
export interface PlannedStep {
  readonly step: string
  readonly target: Target
  readonly times: number
  /** What the host does; the step is on its way. */
  readonly scenario: string
  /** With the target `cleanup`: where the host dies, so that the clean-up program has something to do. */
  readonly hostProbe?: string
  /** The host's event loop stands still for so long before it dies. */
  readonly lingerMs?: number
  /** The container ends by itself once the host is dead. */
  readonly ends?: boolean
  readonly options?: VictimOptions['options']
}

/** How often each step is hit, before its effect and as often after it. */
const often = Number(process.env['SURVIVAL_TIMES'] ?? 3)
/** The same step on another way, or one of a verb that the issue does not name. */
const once = Number(process.env['SURVIVAL_TIMES'] ?? 1)

function rows(times: number, scenario: string, target: Target, steps: string, more: Partial<PlannedStep> = {}): PlannedStep[] {
  return steps.split(' ').map((step) => ({ step, times, target, scenario, ...more }))
}

/** A volume with a name, which the image fills, and one without. */
const volumes = {
  mounts: [
    { type: 'volume', source: 'victim', target: '/etc' },
    { type: 'volume', target: '/bin' },
  ],
}

/** Every named step of create, start, stop, remove, import and clean-up. */
export const plan: readonly PlannedStep[] = [
  ...rows(often, 'create', 'host', 'create.snapshot create.commit create.event'),
  ...rows(often, 'start', 'host', 'start.mark start.bundle start.create start.runtime start.commit start.live start.event'),
  ...rows(often, 'life', 'host', 'stop.mark stop.commit kill.signal exit.delete exit.commit exit.event exit.file exit.live'),
  ...rows(often, 'life', 'host', 'remove.commit remove.live remove.snapshot remove.log remove.bundle remove.static remove.event'),
  ...rows(often, 'init', 'host', 'init.commit init.live'),
  ...rows(often, 'autoRemove', 'host', 'exit.keep'),
  ...rows(often, 'restart', 'host', 'exit.restart restart.done'),
  ...rows(often, 'run', 'host', 'run.remove'),
  ...rows(often, 'import', 'host', 'import.open import.ingest import.prepare import.extract import.blob import.commit'),
  ...rows(often, 'import', 'host', 'import.config import.manifest import.record import.event'),
  ...rows(
    once,
    'pause',
    'host',
    'pause.mark pause.runtime pause.commit pause.live unpause.mark unpause.runtime unpause.commit unpause.live',
  ),
  ...rows(once, 'kill', 'host', 'kill.mark'),
  ...rows(once, 'start', 'host', 'volume.make volume.made start.volumes volume.mount volume.fill volume.filled', { options: volumes }),
  ...rows(once, 'life', 'host', 'volume.unmount remove.snapshot', { options: volumes }),
  ...rows(once, 'autoRemove', 'host', 'remove.commit volume.remove volume.drop volume.event', { options: volumes }),
  ...rows(once, 'run', 'host', 'create.commit volume.fill remove.commit volume.drop', { options: volumes }),
  ...rows(once, 'start', 'helper', 'volume.filled', { options: volumes }),
  ...rows(once, 'tag', 'host', 'tag.commit untag.commit'),
  ...rows(once, 'ephemeral', 'host', 'create.commit start.create start.live'),
  // The helper of a host that died has the rest cleaned up; what that finds half done here is a start.
  ...rows(once, 'start', 'cleanup', 'recover.containers recover.orphans recover.storage recover.owners', {
    hostProbe: 'after:start.create',
  }),
  // The program runs, and the record does not tell.
  ...rows(once, 'start', 'cleanup', 'settle.adopt settle.adopt-live', { hostProbe: 'before:start.commit', lingerMs: 500 }),
  ...rows(once, 'pause', 'cleanup', 'settle.freeze', { hostProbe: 'after:pause.runtime' }),
  // It ends when no engine is open: conmon's exit command starts the clean-up program.
  ...rows(once, 'start', 'cleanup', 'exit.delete exit.commit exit.event exit.file exit.live', {
    hostProbe: 'after:start.event',
    ends: true,
  }),
  ...rows(once, 'start', 'cleanup', 'exit.keep remove.commit remove.snapshot remove.event', {
    hostProbe: 'after:start.event',
    ends: true,
    options: { autoRemove: true },
  }),
  ...rows(once, 'start', 'cleanup', 'exit.restart start.mark start.create start.runtime start.commit restart.done', {
    hostProbe: 'after:start.event',
    ends: true,
    options: { restart: { policy: 'on-failure', maxRetries: 1 } },
  }),
  ...rows(once, 'life', 'helper', 'start.runtime start.commit stop.commit remove.snapshot'),
  ...rows(once, 'run', 'helper', 'run.remove'),
  ...rows(once, 'import', 'helper', 'import.blob import.commit'),
  ...rows(once, 'life', 'conmon', 'start.runtime start.commit start.event stop.mark'),
  ...rows(once, 'pause', 'conmon', 'pause.commit'),
]

/** The steps by which a container is connected and disconnected, and those who are killed beside them. */
export const networkPlan: readonly PlannedStep[] = [
  ...rows(once, 'life', 'host', 'network.lease network.setup network.up network.leave network.teardown network.give'),
  ...rows(once, 'run', 'host', 'network.setup network.teardown'),
  ...rows(once, 'life', 'conmon', 'start.event'),
  ...rows(once, 'life', 'helper', 'network.up'),
  ...rows(once, 'start', 'cleanup', 'network.teardown', { hostProbe: 'after:start.create' }),
  ...rows(once, 'connect', 'host', 'connect.commit connect.setup connect.up'),
  ...rows(once, 'connect', 'host', 'disconnect.leave disconnect.teardown disconnect.commit'),
  ...rows(once, 'connect', 'cleanup', 'settle.connect', { hostProbe: 'after:connect.commit' }),
  ...rows(once, 'connect', 'cleanup', 'settle.disconnect', { hostProbe: 'after:connect.setup' }),
  ...rows(once, 'network', 'host', 'network.remove'),
]
