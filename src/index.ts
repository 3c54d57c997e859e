// The runtime
export type { DiskUsage } from './runtime/disk-usage.ts'
export type { NetworkInfo, RuntimeInfo } from './runtime/info.ts'
export type { OCIOption, RuntimeOptions, StateOption, StateStoreDriver } from './runtime/options.ts'
export type { PruneOptions, PruneReport } from './runtime/prune.ts'
export { Runtime } from './runtime/runtime.ts'

// Containers
export type { AttachOptions, AttachSession } from './containers/attach.ts'
export { Container } from './containers/container.ts'
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
export type { ContainerNetworkInfo } from './containers/networking/network-info.ts'
export type { HttpProbe } from './containers/networking/until-port.ts'
export type { ContainerLogOptions, CreateContainerOptions } from './containers/options.ts'
export type { PruneContainersOptions, PruneContainersResult } from './containers/prune.ts'
export type { ContainerSummary, ExitReason, PublishedPort } from './containers/record.ts'
export type { RestartPolicy } from './containers/restart-policy.ts'
export type { RunOptions, RunResult } from './containers/run.ts'
export type { ContainerStats, ContainerStatsOptions } from './containers/stats.ts'
export { type ContainerStatus, containerStatuses } from './containers/status.ts'
export type { ContainerTopOptions, ContainerTopResult } from './containers/top.ts'
export type { WaitUntilCondition, WaitUntilOptions } from './containers/wait-until.ts'
export type { LogEntry } from './logs/entry.ts'

// What a container is made of
export type { AnnotationOptions } from './oci/spec/annotations.ts'
export type { CapabilityOptions } from './oci/spec/capabilities.ts'
export type { ContainerDevice, DeviceOptions } from './oci/spec/devices.ts'
export type { InitOptions } from './oci/spec/init.ts'
export type { BindMount, ContainerMount, TmpfsMount } from './oci/spec/mount.ts'
export type { MountsOptions } from './oci/spec/mounts.ts'
export type {
  NamespaceMode,
  NamespaceOfContainer,
  NamespaceOptions,
  NamespacePath,
  NetworkAttachment,
  NetworkMode,
} from './oci/spec/namespaces.ts'
export type { ProcessOptions } from './oci/spec/process.ts'
export type { ResourceOptions } from './oci/spec/resources.ts'
export type { Ulimit, UlimitOptions } from './oci/spec/rlimits.ts'
export type { ContainerSecurity, SecurityOptions } from './oci/spec/security.ts'
export type { SpecOptions } from './oci/spec/spec-options.ts'
export type { SysctlOptions } from './oci/spec/sysctls.ts'
export type { UserOptions } from './oci/spec/user.ts'

// Images
export type { ImageHistoryEntry, ImageInspect, ImageInspectConfig, ImageSummary } from './images/image-info.ts'
export { Image } from './images/image.ts'
export { Images } from './images/images.ts'
export type { ImportImageOptions } from './images/import.ts'
export type { ImageFilters, ListImagesOptions } from './images/list.ts'
export type { LoadImageOptions } from './images/load.ts'
export type { ImageProgress } from './images/progress.ts'
export type { PruneImagesFilters, PruneImagesOptions, PruneImagesReport } from './images/prune.ts'
export type { PullCredentials, PullImageOptions, PullPolicy } from './images/pull/pull-options.ts'
export type { PullImageProgress } from './images/pull/pull-progress.ts'
export type { RemoveImageOptions } from './images/remove.ts'
export type { SaveImageOptions } from './images/save.ts'
export type { ImageLayer } from './storage/image-store.ts'

// Networks
export type { ConnectNetworkOptions } from './network/connect-options.ts'
export type { CreateNetworkOptions } from './network/create.ts'
export type { ContainerDns, DnsOptions, ExtraHost } from './network/dns-option.ts'
export type { NetworkInspect, NetworkMember } from './network/inspect.ts'
export type { ListNetworksOptions, NetworkFilters } from './network/list.ts'
export { type DisconnectNetworkOptions, Network } from './network/network.ts'
export { Networks } from './network/networks.ts'
export type { PortOptions, PortsOptions } from './network/ports-option.ts'
export type { PruneNetworksOptions, PruneNetworksResult } from './network/prune.ts'
export type { NetworkSubnet, NetworkSummary } from './network/record.ts'
export type { RemoveNetworkOptions } from './network/remove.ts'
export type { NetworkSubnetOptions } from './network/subnets.ts'

// Events
export type { EventListener } from './events/bus.ts'
export {
  type ContainerEvent,
  containerActions,
  type EngineEvent,
  type EventDraft,
  type EventType,
  type ImageEvent,
  imageActions,
  type NetworkEvent,
  networkActions,
  type PodEvent,
  podActions,
  type SystemEvent,
  systemActions,
  type VolumeEvent,
  volumeActions,
} from './events/event.ts'
export type { EventFilters } from './events/filters.ts'
export type { StreamEventsOptions } from './events/stream.ts'

// Errors and what everything has in common
export type { AbortOptions } from './base/abort.ts'
export type { Digest } from './base/digest.ts'
export { errorStatus } from './base/error-status.ts'
export { type ErrorCode, type ErrorDetails, errorCodes, isLibpodError, LibpodError, type LibpodErrorOptions } from './base/errors.ts'
export type { Filters } from './base/filter.ts'
export type { Logger } from './base/logger.ts'

// Contracts of plug-ins
export type { Json, StateChange, StateCheck, StateEntry, StateListOptions, StateStore, StateStoreTraits } from './state/state-store.ts'
