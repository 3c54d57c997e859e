import { LibpodError } from '../../base/errors.ts'
import type { Zod } from '../../base/schema.ts'
import type { RuntimeLinux, RuntimeProcess } from '../../specs/runtime-spec.ts'
import { matchGlob } from './glob.ts'
import type { SpecHost } from './spec-host.ts'

/** How the container is confined. @public */
export interface SecurityOptions {
  readonly security?: ContainerSecurity | undefined
}

/** How the container is confined, besides its capabilities. @public */
export interface ContainerSecurity {
  /** `unconfined`, or the absolute path of a profile; the system's profile if not given. */
  readonly seccomp?: string | undefined
  /** `unconfined`, or the name of a loaded AppArmor profile; containers.conf's, or the default one where it is loaded. */
  readonly apparmor?: string | undefined
  /** SELinux labels for the program and for the mounts the runtime makes; none if not given. */
  readonly selinux?: { readonly processLabel?: string | undefined; readonly mountLabel?: string | undefined } | undefined
  /** The program can never gain rights by execve, as by a setuid bit. */
  readonly noNewPrivileges?: boolean | undefined
  /** Further absolute paths to hide. */
  readonly mask?: readonly string[] | undefined
  /** Paths that are hidden or read-only by default and are not to be: paths, glob patterns, or `ALL`. */
  readonly unmask?: readonly string[] | undefined
}

/** The security options as they are stored. */
export interface NormalizedSecurity {
  readonly security: {
    readonly seccomp?: string
    readonly apparmor?: string
    readonly selinux?: { readonly processLabel?: string; readonly mountLabel?: string }
    readonly noNewPrivileges: boolean
    readonly mask: readonly string[]
    readonly unmask: readonly string[]
  }
}

const maskedPaths = [
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/fs/selinux',
  '/sys/dev/block',
  '/sys/devices/virtual/powercap',
]

const readonlyPaths = ['/proc/asound', '/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

export const securityShape = (z: Zod) => {
  const absolute = z.string().startsWith('/', 'must be an absolute path')
  return {
    security: z
      .strictObject({
        seccomp: z.union([z.literal('unconfined'), absolute], "must be 'unconfined' or an absolute path").optional(),
        apparmor: z.string().min(1).optional(),
        selinux: z.strictObject({ processLabel: z.string().min(1).optional(), mountLabel: z.string().min(1).optional() }).optional(),
        noNewPrivileges: z.boolean().optional(),
        mask: z.array(absolute).optional(),
        unmask: z.array(z.union([z.string().regex(/^all$/i), absolute], "must be an absolute path, a pattern, or 'ALL'")).optional(),
      })
      .optional(),
  }
}

export function normalizeSecurity({ security = {} }: SecurityOptions): NormalizedSecurity {
  const { seccomp, apparmor, selinux, noNewPrivileges, mask, unmask } = security
  return {
    security: {
      ...(seccomp === undefined ? {} : { seccomp }),
      ...(apparmor === undefined ? {} : { apparmor }),
      ...(selinux === undefined ? {} : { selinux: labelsOf(selinux) }),
      noNewPrivileges: noNewPrivileges ?? false,
      mask: splitPaths(mask ?? []),
      unmask: splitPaths(unmask ?? []),
    },
  }
}

/** The part of `process` that confines it. Throws `unsupported` for what this host has not. */
export function processSecurity(
  { security, privileged }: NormalizedSecurity & { readonly privileged: boolean },
  host: SpecHost,
): Partial<RuntimeProcess> {
  const apparmorProfile = apparmorOf(security.apparmor, privileged, host)
  const selinuxLabel = labelOf(security.selinux?.processLabel, 'processLabel', privileged, host)
  return {
    ...(security.noNewPrivileges ? { noNewPrivileges: true } : {}),
    ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
    ...(selinuxLabel === undefined ? {} : { selinuxLabel }),
  }
}

/** The part of `linux` that hides things. */
export function linuxSecurity(
  { security, privileged }: NormalizedSecurity & { readonly privileged: boolean },
  host: SpecHost,
): Partial<RuntimeLinux> {
  const { mask, unmask } = security
  const mountLabel = labelOf(security.selinux?.mountLabel, 'mountLabel', privileged, host)
  const label = mountLabel === undefined ? {} : { mountLabel }
  if (privileged) return { ...label, ...(mask.length === 0 ? {} : { maskedPaths: mask }) }
  const masked = [...maskedPaths.filter((path) => !isUnmasked(path, unmask)), ...mask]
  const readonly = readonlyPaths.filter((path) => !isUnmasked(path, unmask))
  return {
    ...label,
    ...(masked.length === 0 ? {} : { maskedPaths: masked }),
    ...(readonly.length === 0 ? {} : { readonlyPaths: readonly }),
  }
}

/** Whether a path is one of those that are asked to be left as they are. */
export function isUnmasked(path: string, unmask: readonly string[]): boolean {
  return unmask.some((pattern) => pattern.toUpperCase() === 'ALL' || matchGlob(pattern, path))
}

function apparmorOf(wanted: string | undefined, privileged: boolean, { apparmor, defaults }: SpecHost): string | undefined {
  if (apparmor === undefined) {
    if (wanted === undefined || wanted === 'unconfined') return undefined
    throw notHere('security.apparmor', `the profile ${wanted}`, 'AppArmor')
  }
  if (wanted !== undefined) return wanted
  return privileged ? undefined : (defaults.apparmorProfile ?? apparmor.defaultProfile)
}

function labelOf(label: string | undefined, name: 'processLabel' | 'mountLabel', privileged: boolean, host: SpecHost): string | undefined {
  if (label === undefined || privileged) return undefined
  if (host.selinux) return label
  throw notHere(`security.selinux.${name}`, `the label ${label}`, 'SELinux')
}

function notHere(path: string, asked: string, what: string): LibpodError {
  return new LibpodError(
    'unsupported',
    `${path}: ${asked} is asked for, but ${what} is not enabled on this host.`,
    { what },
    { hint: 'Leave the option out.' },
  )
}

/** `a:b` is Podman's way to write two paths. */
function splitPaths(paths: readonly string[]): string[] {
  return paths.flatMap((path) => path.split(':')).filter((path) => path !== '')
}

function labelsOf({ processLabel, mountLabel }: { readonly processLabel?: string | undefined; readonly mountLabel?: string | undefined }): {
  processLabel?: string
  mountLabel?: string
} {
  return { ...(processLabel === undefined ? {} : { processLabel }), ...(mountLabel === undefined ? {} : { mountLabel }) }
}
