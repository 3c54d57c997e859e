import type { AbortOptions } from '../base/abort.ts'
import type { Background } from '../base/background.ts'
import type { Closer } from '../base/closer.ts'
import type { Logger } from '../base/logger.ts'
import type { Probe } from '../base/steps.ts'
import type { EngineConfig } from '../config/engine-config.ts'
import type { EventDraft } from '../events/event.ts'
import type { HeldNamespace } from '../linux/network/namespace.ts'
import type { LockManager } from '../locks/lock-manager.ts'
import type { Registry } from '../state/registry.ts'
import type { StateStore } from '../state/state-store.ts'
import type { NetworkBackend } from './backend.ts'
import type { ConnectNetworkOptions } from './connect-options.ts'

/** What the verbs of networks work with: handed down by the composition root, which alone knows the plug-ins. */
export interface NetworkServices {
  readonly registry: Registry
  /** The live store: leases, and what is set up. */
  readonly store: StateStore
  readonly locks: LockManager
  readonly config: EngineConfig
  readonly logger: Logger
  readonly closer: Closer
  readonly probe: Probe | undefined
  /** This engine's lock file under `owners/`. */
  readonly owner: string
  isOwnerAlive(owner: string): boolean
  /** What is taken down while nobody waits. */
  readonly background: Background
  readonly backend: NetworkBackend
  /** Makes a network namespace. */
  makeNamespace(): Promise<HeldNamespace>
  emit(event: EventDraft): Promise<void>
  /** The rooms above know containers. */
  readonly containers: NetworkContainers
}

/** What networks ask of containers. */
export interface NetworkContainers {
  connect(network: string, container: string, options: ConnectNetworkOptions): Promise<void>
  disconnect(network: string, container: string, options: AbortOptions & { readonly force?: boolean | undefined }): Promise<void>
  /** Removes the users of a network, for a forced removal. */
  remove(users: readonly string[], options: AbortOptions): Promise<void>
  /** Whether there is such a container. */
  exists(id: string): Promise<boolean>
  /** The name of a container, to be shown. */
  nameOf(id: string): Promise<string>
}
