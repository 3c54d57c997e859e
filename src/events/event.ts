/** What happens to a container. @public */
export const containerActions = [
  'create',
  'init',
  'start',
  'restart',
  'stop',
  'kill',
  'pause',
  'unpause',
  'died',
  'oom',
  'remove',
  'attach',
  'exec',
  'exec_died',
  'cleanup',
  'rename',
  'update',
  'health_status',
] as const
/** What happens to an image. @public */
export const imageActions = ['import', 'loadfromarchive', 'save', 'tag', 'untag', 'remove', 'pull', 'push', 'build', 'commit'] as const
/** What happens to a pod. @public */
export const podActions = ['create', 'start', 'stop', 'restart', 'kill', 'pause', 'unpause', 'remove'] as const
/** What happens to a volume. @public */
export const volumeActions = ['create', 'mount', 'unmount', 'remove'] as const
/** What happens to a network. @public */
export const networkActions = ['create', 'connect', 'disconnect', 'remove'] as const
/** What happens to a whole engine. @public */
export const systemActions = ['refresh', 'renumber', 'prune', 'log-rotation'] as const

interface EventBase {
  /** When, with nanoseconds where they are known: RFC 3339 in UTC. */
  readonly time: string
  /** What the event stands at in the log; `events({ after })` resumes behind it. Opaque. */
  readonly cursor: string
  /** Labels of the object and particulars of the action, as Podman's `Attributes`. */
  readonly attributes: Readonly<Record<string, string>>
}

/** Something happened to a container. @public */
export interface ContainerEvent extends EventBase {
  readonly type: 'container'
  readonly action: (typeof containerActions)[number]
  readonly id: string
  readonly name: string
  /** The image's name, or its id where it has none; empty for a root file system. */
  readonly image: string
  /** With `died` and `exec_died`: the exit code, `null` where it is unknown. */
  readonly exitCode?: number | null
}

/** Something happened to an image. @public */
export interface ImageEvent extends EventBase {
  readonly type: 'image'
  readonly action: (typeof imageActions)[number]
  readonly id: string
  /** The name that was used or changed, where there is one. */
  readonly name: string
}

/** Something happened to a pod. @public */
export interface PodEvent extends EventBase {
  readonly type: 'pod'
  readonly action: (typeof podActions)[number]
  readonly id: string
  readonly name: string
}

/** Something happened to a volume. With `mount` and `unmount` the attribute `container` is the id of who uses it. @public */
export interface VolumeEvent extends EventBase {
  readonly type: 'volume'
  readonly action: (typeof volumeActions)[number]
  /** Its name. */
  readonly id: string
  readonly name: string
}

/** Something happened to a network. With `connect` and `disconnect` the attribute `container` is the id of the container. @public */
export interface NetworkEvent extends EventBase {
  readonly type: 'network'
  readonly action: (typeof networkActions)[number]
  readonly id: string
  readonly name: string
}

/** Something happened to the engine. @public */
export interface SystemEvent extends EventBase {
  readonly type: 'system'
  readonly action: (typeof systemActions)[number]
  readonly id: string
  readonly name: string
}

/** Everything that an engine tells of. Podman's words, with its names of types and actions. @public */
export type EngineEvent = ContainerEvent | ImageEvent | NetworkEvent | PodEvent | SystemEvent | VolumeEvent

/** The types of events. @public */
export type EventType = EngineEvent['type']

export const eventTypes = ['container', 'image', 'network', 'pod', 'system', 'volume'] as const satisfies readonly EventType[]

/** An event before the log has given it its place. @public */
export type EventDraft = EngineEvent extends infer Event
  ? Event extends EngineEvent
    ? Omit<Event, 'time' | 'cursor'> & { readonly time?: string }
    : never
  : never
