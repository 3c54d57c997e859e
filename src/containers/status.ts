import { LibpodError } from '../base/errors.ts'

/**
 * The states of a container, with Podman's names: `created` (never started), `initialized` (made in the runtime, its
 * program not started), `running`, `paused`, `stopping` (told to stop), `exited`, `removing`.
 *
 * @public
 */
export const containerStatuses = ['created', 'initialized', 'running', 'paused', 'stopping', 'exited', 'removing'] as const

/** One of {@link containerStatuses}. @public */
export type ContainerStatus = (typeof containerStatuses)[number]

/** From which states each verb works; a verb that is not here works from all. */
const allowed = {
  init: ['created', 'exited'],
  start: ['created', 'initialized', 'exited'],
  stop: ['initialized', 'running', 'stopping', 'paused'],
  kill: ['initialized', 'running', 'stopping', 'paused'],
  pause: ['running'],
  unpause: ['paused'],
  restart: ['created', 'initialized', 'running', 'stopping', 'exited'],
  attach: ['initialized', 'running', 'stopping', 'paused'],
  exec: ['running'],
  top: ['running', 'stopping', 'paused'],
  stats: ['running', 'stopping', 'paused'],
  remove: ['created', 'exited', 'removing'],
} as const satisfies Record<string, readonly ContainerStatus[]>

/** A verb that asks for certain states. */
export type StatefulVerb = keyof typeof allowed

const hints: Readonly<Record<StatefulVerb, string>> = {
  init: 'It can be initialized before it starts, and again when it has ended.',
  stop: 'Start it first.',
  kill: 'Start it first.',
  pause: 'Only a running container can be paused.',
  restart: 'Unpause it first.',
  top: 'Start it first.',
  stats: 'Start it first.',
  exec: 'Start it first, or unpause it.',
  attach: 'Start it first, or use init() and attach() before start().',
  remove: 'Stop it first, or remove it with { force: true }.',
  unpause: 'Only a paused container can be unpaused.',
  start: 'Unpause or stop it first.',
}

/** Rejects a verb that the container's state does not allow. */
export function checkStatus(
  verb: StatefulVerb,
  container: { readonly name: string; readonly state: { readonly status: ContainerStatus } },
): void {
  const { status } = container.state
  if ((allowed[verb] as readonly string[]).includes(status)) return
  throw new LibpodError(
    'invalid-state',
    `Cannot ${verb} container ${container.name}: it is ${status}.`,
    { kind: 'container', ref: container.name, state: status, allowed: allowed[verb], verb },
    { hint: hints[verb] },
  )
}

/** Whether the container has processes, or is being given or robbed of them. */
export function isActive(status: ContainerStatus): boolean {
  return status === 'initialized' || status === 'running' || status === 'paused' || status === 'stopping'
}
