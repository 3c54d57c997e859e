import type { Zod } from '../../base/schema.ts'
import { type AnnotationOptions, annotationShape, type NormalizedAnnotations, normalizeAnnotations } from './annotations.ts'
import { type CapabilityOptions, capabilityShape, type NormalizedCapabilities, normalizeCapabilities } from './capabilities.ts'
import { type DeviceOptions, deviceShape, type NormalizedDevices, normalizeDevices } from './devices.ts'
import { type InitOptions, initShape, type NormalizedInit, normalizeInit } from './init.ts'
import { type MountsOptions, mountsShape, type NormalizedMounts, normalizeMounts } from './mounts.ts'
import { type NamespaceOptions, type NormalizedNamespaces, namespaceShape, normalizeNamespaces } from './namespaces.ts'
import { type NormalizedProcess, normalizeProcess, type ProcessImage, type ProcessOptions, processShape } from './process.ts'
import { type NormalizedResources, normalizeResources, type ResourceOptions, resourceShape } from './resources.ts'
import { type NormalizedUlimits, normalizeUlimits, type UlimitOptions, ulimitShape } from './rlimits.ts'
import { type NormalizedSecurity, normalizeSecurity, type SecurityOptions, securityShape } from './security.ts'
import type { SpecHost } from './spec-host.ts'
import { type NormalizedSysctls, normalizeSysctls, type SysctlOptions, sysctlShape } from './sysctls.ts'
import { type NormalizedUser, normalizeUser, type UserOptions, userShape } from './user.ts'

/** The create options that decide what `config.json` says: one group a file. @public */
export interface SpecOptions
  extends ProcessOptions,
    UserOptions,
    CapabilityOptions,
    SecurityOptions,
    ResourceOptions,
    UlimitOptions,
    NamespaceOptions,
    MountsOptions,
    DeviceOptions,
    SysctlOptions,
    AnnotationOptions,
    InitOptions {}

/**
 * The same as they are stored: complete, plain JSON, and a fixed point of {@link normalizeSpecOptions}. What containers.conf and
 * the host decide for every container (default capabilities, sysctls, limits, the seccomp profile) is not in it, but
 * looked up at each start.
 */
export type NormalizedSpecOptions = NormalizedProcess &
  NormalizedUser &
  NormalizedCapabilities &
  NormalizedSecurity &
  NormalizedResources &
  NormalizedUlimits &
  NormalizedNamespaces &
  NormalizedMounts &
  NormalizedDevices &
  NormalizedSysctls &
  NormalizedAnnotations &
  NormalizedInit

/** The keys of {@link SpecOptions}, for a strict object schema of all create options. */
export const specOptionsShape = (z: Zod) => ({
  ...processShape(z),
  ...userShape(z),
  ...capabilityShape(z),
  ...securityShape(z),
  ...resourceShape(z),
  ...ulimitShape(z),
  ...namespaceShape(z),
  ...mountsShape(z),
  ...deviceShape(z),
  ...sysctlShape(z),
  ...annotationShape(z),
  ...initShape(z),
})

/** What fills the gaps of the options. */
export interface NormalizeContext {
  readonly id: string
  readonly host: SpecHost
  /** What the image says about running it. */
  readonly image?: ProcessImage & { readonly user?: string }
  /** The host name of the container whose UTS namespace is joined. */
  readonly joinedHostname?: string | undefined
}

/** Completes options that passed the schema. The same options and context give the same result, and the result gives itself. */
export function normalizeSpecOptions(
  options: SpecOptions,
  { id, host, image = {}, joinedHostname }: NormalizeContext,
): NormalizedSpecOptions {
  const { defaults } = host
  const namespaces = normalizeNamespaces(options, { id, host, joinedHostname })
  return {
    ...normalizeProcess(options, image, defaults),
    ...normalizeUser(options, image),
    ...normalizeCapabilities(options),
    ...normalizeSecurity(options),
    ...normalizeResources(options, host),
    ...normalizeUlimits(options),
    ...namespaces,
    ...normalizeMounts(options, defaults),
    ...normalizeDevices(options),
    ...normalizeSysctls(options, namespaces),
    ...normalizeAnnotations(options, defaults),
    ...normalizeInit(options, defaults),
  }
}
