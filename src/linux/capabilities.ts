import { readFile } from 'node:fs/promises'
import { LibpodError } from '../base/errors.ts'

/** Every capability, in the kernel's order: the index is its number. */
export const capabilityNames = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const

/** A capability, as OCI names it. */
export type CapabilityName = (typeof capabilityNames)[number]

/** The five sets of a process. */
export interface CapabilitySets {
  readonly inheritable: readonly CapabilityName[]
  readonly permitted: readonly CapabilityName[]
  readonly effective: readonly CapabilityName[]
  readonly bounding: readonly CapabilityName[]
  readonly ambient: readonly CapabilityName[]
}

const known: ReadonlySet<string> = new Set(capabilityNames)

/** The capabilities that a process of this process can have at most. */
export async function boundingSet(): Promise<readonly CapabilityName[]> {
  return (await readCapabilities()).bounding
}

/** The capabilities that this process has in effect. */
export async function effectiveSet(): Promise<readonly CapabilityName[]> {
  return (await readCapabilities()).effective
}

/** The capabilities of this process, or of another. */
export async function readCapabilities(pid: number | 'self' = 'self'): Promise<CapabilitySets> {
  return parseCapabilities(await readFile(`/proc/${pid}/status`, 'utf8'))
}

/** Reads the `Cap…` lines of a `/proc/<pid>/status`. */
export function parseCapabilities(status: string): CapabilitySets {
  const set = (key: string): CapabilityName[] => namesOf(new RegExp(`^${key}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0')
  return { inheritable: set('CapInh'), permitted: set('CapPrm'), effective: set('CapEff'), bounding: set('CapBnd'), ambient: set('CapAmb') }
}

/**
 * `CAP_CHOWN`, `chown` or `Chown` → `CAP_CHOWN`, and `ALL` in any case → `ALL`. `path` says where in the options it stood.
 * Throws `invalid-argument` for what is no capability.
 */
export function parseCapability(text: string, path: string): CapabilityName | 'ALL' {
  const upper = text.toUpperCase()
  if (upper === 'ALL' || upper === 'CAP_ALL') return 'ALL'
  const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`
  if (isCapability(name)) return name
  throw new LibpodError(
    'invalid-argument',
    `${path}: ${JSON.stringify(text)} is not a capability.`,
    { path, value: text },
    { hint: 'Capabilities are named as in capabilities(7), with or without CAP_, or "ALL".' },
  )
}

/** `CAP_CHOWN` → `CHOWN`, as Podman shows them. */
export function shortCapability(name: CapabilityName): string {
  return name.slice('CAP_'.length)
}

/** Sorts and dedups by the kernel's order. */
export function sortCapabilities(names: Iterable<CapabilityName>): CapabilityName[] {
  const wanted = new Set(names)
  return capabilityNames.filter((name) => wanted.has(name))
}

function isCapability(name: string): name is CapabilityName {
  return known.has(name)
}

function namesOf(mask: string): CapabilityName[] {
  const bits = BigInt(`0x${mask}`)
  return capabilityNames.filter((_, number) => (bits >> BigInt(number)) & 1n)
}
