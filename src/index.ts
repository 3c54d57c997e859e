// The runtime

export type { AbortOptions } from './base/abort.ts'
export type { Digest } from './base/digest.ts'
export { errorStatus } from './base/error-status.ts'
// Errors and what everything has in common
export { type ErrorCode, type ErrorDetails, errorCodes, isLibpodError, LibpodError, type LibpodErrorOptions } from './base/errors.ts'
export type { Filters } from './base/filter.ts'
export type { Logger } from './base/logger.ts'
export type { AttachOptions, AttachSession } from './containers/attach.ts'
export { Container } from './containers/container.ts'
// Containers
export { Containers } from './containers/containers.ts'
export { EphemeralContainer } from './containers/ephemeral.ts'
export type { ExecOptions, ExecProcessOptions, ExecResult, SpawnOptions } from './containers/exec/options.ts'
export type { ExecSession } from './containers/exec/spawn.ts'
export type { ContainerFilters } from './containers/filters.ts'
export type { ContainerInspect, ContainerInspectOptions } from './containers/inspect.ts'
export type { RemoveContainerOptions } from './containers/lifecycle/remove.ts'
export type { StartContainerOptions } from './containers/lifecycle/start.ts'
export type { StopContainerOptions } from './containers/lifecycle/stop.ts'
export type { WaitCondition, WaitContainerOptions, WaitResult } from './containers/lifecycle/wait.ts'
export type { ListContainersOptions } from './containers/list.ts'
export type { ContainerLogsOptions } from './containers/logs.ts'
export type { ContainerLogOptions, CreateContainerOptions } from './containers/options.ts'
export type { PruneContainersOptions, PruneContainersResult } from './containers/prune.ts'
export type { ContainerSummary, ExitReason, PublishedPort } from './containers/record.ts'
export type { RestartPolicy } from './containers/restart-policy.ts'
export type { RunOptions, RunResult } from './containers/run.ts'
export type { ContainerStats, ContainerStatsOptions } from './containers/stats.ts'
export { type ContainerStatus, containerStatuses } from './containers/status.ts'
export type { ContainerTopOptions, ContainerTopResult } from './containers/top.ts'
export type { WaitUntilCondition, WaitUntilOptions } from './containers/wait-until.ts'
export type { EventListener } from './events/bus.ts'
// Events
export {
  type ContainerEvent,
  containerActions,
  type EngineEvent,
  type EventDraft,
  type EventType,
  type ImageEvent,
  imageActions,
  type SystemEvent,
  systemActions,
} from './events/event.ts'
export type { StreamEventsOptions } from './events/stream.ts'
export { Image } from './images/image.ts'
// Images
export { Images } from './images/images.ts'
export type { LogEntry } from './logs/entry.ts'
export type { CapabilityOptions } from './oci/spec/capabilities.ts'
export type { NamespaceMode, NamespaceOptions, NamespacePath } from './oci/spec/namespaces.ts'
export type { ProcessOptions } from './oci/spec/process.ts'
export type { ResourceOptions } from './oci/spec/resources.ts'
// What a container is made of
export type { SpecOptions } from './oci/spec/spec-options.ts'
export type { UserOptions } from './oci/spec/user.ts'
export type { DiskUsage } from './runtime/disk-usage.ts'
export type { RuntimeInfo } from './runtime/info.ts'
export type { OCIOption, RuntimeOptions, StateOption, StateStoreDriver } from './runtime/options.ts'
export type { PruneOptions, PruneReport } from './runtime/prune.ts'
export { Runtime } from './runtime/runtime.ts'

// Contracts of plug-ins
export type { Json, StateChange, StateCheck, StateEntry, StateListOptions, StateStore, StateStoreTraits } from './state/state-store.ts'
