import { LibpodError } from '../../base/errors.ts'
import type { Zod } from '../../base/schema.ts'
import { type CapabilityName, parseCapability } from '../../linux/capabilities.ts'
import type { RuntimeCapabilities } from '../../specs/runtime-spec.ts'
import type { SpecHost } from './spec-host.ts'

/** What the container's root may do. @public */
export interface CapabilityOptions {
  /** Capabilities beyond the default ones, as `NET_ADMIN`, or `ALL`. A program that is not root gets these and no others. */
  readonly capAdd?: readonly string[] | undefined
  /** Default capabilities to do without, or `ALL`. */
  readonly capDrop?: readonly string[] | undefined
  /** All capabilities and devices of the host, no seccomp filter, nothing masked: root in here is root out there. */
  readonly privileged?: boolean | undefined
}

/** The capability options as they are stored. */
export interface NormalizedCapabilities {
  readonly capAdd: readonly string[]
  readonly capDrop: readonly string[]
  readonly privileged: boolean
}

export const capabilityShape = (z: Zod) => ({
  capAdd: z.array(z.string()).optional(),
  capDrop: z.array(z.string()).optional(),
  privileged: z.boolean().optional(),
})

/** Throws `invalid-argument` for a name that is none, and for one that is both added and dropped. */
export function normalizeCapabilities({ capAdd, capDrop, privileged }: CapabilityOptions): NormalizedCapabilities {
  const add = parseAll(capAdd ?? [], 'capAdd')
  const drop = parseAll(capDrop ?? [], 'capDrop')
  const both = drop.includes('ALL') || add.includes('ALL') ? undefined : drop.find((name) => add.includes(name))
  if (both !== undefined) {
    const path = `capDrop[${(capDrop ?? []).findIndex((name) => parseCapability(name, 'capDrop') === both)}]`
    throw new LibpodError(
      'invalid-argument',
      `${path}: ${both} is also in capAdd.`,
      { path, value: both },
      { hint: 'Leave it out of one of them.' },
    )
  }
  return { capAdd: add, capDrop: drop, privileged: privileged ?? false }
}

function parseAll(names: readonly string[], list: string): string[] {
  return [...new Set(names.map((name, index) => parseCapability(name, `${list}[${index}]`)))]
}

/** All that root in the container can have: defaults, added and dropped ones, never more than this process itself has to give. */
export function boundingOf({ capAdd, capDrop, privileged }: NormalizedCapabilities, host: SpecHost): string[] {
  if (privileged) return [...host.boundingCapabilities].sort()
  return within(host, merge(defaultsOf(host), capAdd, capDrop, host))
}

/** The five sets. Root has all it may have; anyone else only what `capAdd` names, also as ambient ones, so that they survive execve. */
export function processCapabilities(
  options: NormalizedCapabilities,
  bounding: readonly string[],
  uid: number,
  host: SpecHost,
): RuntimeCapabilities {
  // A set that is not there is an empty one.
  if (bounding.length === 0) return {}
  if (uid === 0) return { bounding, effective: bounding, permitted: bounding }
  const added = within(host, merge([], options.capAdd, [], host))
  return added.length === 0 ? { bounding } : { bounding, effective: added, inheritable: added, permitted: added, ambient: added }
}

function defaultsOf({ defaults }: SpecHost): string[] {
  return defaults.defaultCapabilities.map((name) => parseCapability(name, 'containers.default_capabilities'))
}

function merge(base: readonly string[], add: readonly string[], drop: readonly string[], host: SpecHost): string[] {
  if (drop.includes('ALL')) return add.includes('ALL') ? [...host.boundingCapabilities] : [...add]
  if (add.includes('ALL')) return host.boundingCapabilities.filter((name) => !drop.includes(name))
  return [...base.filter((name) => !drop.includes(name)), ...add.filter((name) => !base.includes(name))]
}

/** In the order of their names, as Podman writes them. */
function within({ boundingCapabilities }: SpecHost, names: readonly string[]): string[] {
  return [...new Set(names)].filter((name) => boundingCapabilities.includes(name as CapabilityName)).sort()
}
