/**
 * The conformance cases of each contract, for who implements one: plain data that any test runner can loop over. A case is given a
 * context, which opens the implementation as often as the case likes, asserts with `node:assert`, and throws what is wrong.
 * Cases that need something not every implementation has say so in `requires`. Those that need other processes ask the context to
 * start them: {@link spawnCasePeer} and {@link serveCasePeer} are the two halves of such a process.
 *
 * @example The whole test of a store that promises nothing beyond the contract
 * ```ts
 * import { test } from 'node:test'
 * import { createMemoryStore } from 'libpod-ts/state/memory'
 * import { stateStoreCases } from 'libpod-ts/testing'
 *
 * const context = {
 *   traits: { durable: false, shared: false },
 *   open: async () => createMemoryStore(),
 *   spawnPeer: () => Promise.reject(new Error('Only with traits.shared.')),
 *   scale: 1,
 *   takeoverMs: 500,
 *   report: console.log,
 * }
 * for (const { name, requires, run } of stateStoreCases) {
 *   if (requires === undefined) test(name, () => run(context))
 * }
 * ```
 *
 * @packageDocumentation
 */

// What cases and implementations have in common
export type { AbortOptions } from '../base/abort.ts'
export type { Digest } from '../base/digest.ts'
// Event logs
export {
  type ContainerEvent,
  containerActions,
  type EngineEvent,
  type EventDraft,
  type ImageEvent,
  imageActions,
  type SystemEvent,
  systemActions,
} from '../events/event.ts'
export { type EventLogCase, type EventLogCaseContext, eventLogCases } from '../events/event-log.cases.ts'
export type { EventLog } from '../events/event-log.ts'
// Lock managers
export { type LockManagerCase, type LockManagerCaseContext, lockManagerCases } from '../locks/lock-manager.cases.ts'
export type { AcquireOptions, LockManager, LockRelease } from '../locks/lock-manager.ts'
// Log drivers
export type { LogEntry } from '../logs/entry.ts'
export { type LogDriverCase, type LogDriverCaseContext, logDriverCases, type WrittenPiece } from '../logs/log-driver.cases.ts'
export type { LogDriver, LogPlace, LogReadOptions } from '../logs/log-driver.ts'
// Network backends
export {
  type NetworkBackendCase,
  type NetworkBackendCaseContext,
  networkBackendCases,
} from '../network/backend.cases.ts'
export type {
  BackendNetwork,
  ConnectedNetwork,
  ConnectedStatus,
  MappedPort,
  NetworkBackend,
  NetworkBackendInfo,
  NetworkRequest,
  NetworkSetup,
  NetworkTeardown,
} from '../network/backend.ts'
// OCI runtimes
export { type OCIRuntimeCase, type OCIRuntimeCaseContext, ociRuntimeCases } from '../oci/oci-runtime.cases.ts'
export type {
  OCIExec,
  OCIExecOptions,
  OCIExecTerminal,
  OCIRuntime,
  OCIRuntimeFeatures,
  OCIRuntimeState,
  RuntimeCommand,
} from '../oci/oci-runtime.ts'
export { makeTestBundle, type TestBundle, type TestBundleOptions } from '../oci/test-support/bundle.ts'
// State stores
export type { StateStoreCase, StateStoreCaseContext, StateStorePeer } from '../state/state-store.case-types.ts'
export { stateStoreCases } from '../state/state-store.cases.ts'
export { stateStorePeerJobs } from '../state/state-store.peer.ts'
export type { Json, StateChange, StateCheck, StateEntry, StateListOptions, StateStore, StateStoreTraits } from '../state/state-store.ts'
// Content stores
export type { ContentStoreCase, ContentStoreCaseContext, ContentStorePeer } from '../storage/content-store.case-types.ts'
export { contentStoreCases } from '../storage/content-store.cases.ts'
export { contentStorePeerJobs } from '../storage/content-store.peer.ts'
export type { BlobInfo, ContentStore, Ingest, IngestOptions, UnfinishedIngest } from '../storage/content-store.ts'
// Image stores
export { type ImageStoreCase, type ImageStoreCaseContext, imageStoreCases } from '../storage/image-store.cases.ts'
export type { ImageLayer, ImageRecord, ImageRunConfig, ImageStore } from '../storage/image-store.ts'
// Snapshotters
export type { SnapshotterCase, SnapshotterCaseContext, SnapshotterPeer } from '../storage/snapshotter.case-types.ts'
export { snapshotterCases } from '../storage/snapshotter.cases.ts'
export { snapshotterPeerJobs } from '../storage/snapshotter.peer.ts'
export type { ExtractTarget, MountSpec, PrepareOptions, SnapshotInfo, Snapshotter } from '../storage/snapshotter.ts'
// Other processes
export { type CasePeer, type CasePeerJobs, type SpawnCasePeerOptions, serveCasePeer, spawnCasePeer } from './case-peer.ts'
