import { stat } from 'node:fs/promises'
import { isLibpodError, LibpodError } from '../base/errors.ts'
import { lazySchema } from '../base/schema.ts'
import { isErrno } from '../linux/errno.ts'
import { readWithin, whyUnreadable } from '../linux/fs/read-within.ts'
import type { RuntimeSeccomp, RuntimeSyscallRule } from '../specs/runtime-spec.ts'

/** A seccomp profile as containers-common and Docker write them, made ready for one architecture and kernel. */
export interface SeccompProfile {
  readonly path: string
  /** The filter for a process with these capabilities in its bounding set: the same object for the same ones. */
  resolve(capabilities: readonly string[]): RuntimeSeccomp
}

/** What decides which of a profile's rules apply, besides the capabilities. */
export interface SeccompTarget {
  /** As Go names it. */
  readonly arch: string
  /** As `uname -r` says. */
  readonly kernel: string
}

/** Profiles by path: each is read once, and again when its file has changed. */
export interface SeccompProfiles {
  /** The profile at `path`, or the system's own. */
  load(path?: string): Promise<SeccompProfile>
}

/** The distributions' own has 13 KiB. */
const maxBytes = 4 * 2 ** 20

const systemPaths = ['/etc/containers/seccomp.json', '/usr/share/containers/seccomp.json']

interface Conditions {
  readonly caps?: readonly string[] | null | undefined
  readonly arches?: readonly string[] | null | undefined
  readonly minKernel?: string | undefined
}

interface ProfileRule {
  readonly name?: string | undefined
  readonly names?: readonly string[] | null | undefined
  readonly action: string
  readonly errnoRet?: number | undefined
  readonly args?:
    | readonly { readonly index: number; readonly value: number; readonly valueTwo?: number | undefined; readonly op: string }[]
    | null
    | undefined
  readonly includes?: Conditions | null | undefined
  readonly excludes?: Conditions | null | undefined
}

interface ProfileFile {
  readonly defaultAction: string
  readonly defaultErrnoRet?: number | undefined
  readonly architectures?: readonly string[] | null | undefined
  readonly archMap?:
    | readonly { readonly architecture: string; readonly subArchitectures?: readonly string[] | null | undefined }[]
    | null
    | undefined
  readonly flags?: readonly string[] | null | undefined
  readonly listenerPath?: string | undefined
  readonly listenerMetadata?: string | undefined
  readonly syscalls?: readonly ProfileRule[] | null | undefined
}

const schema = lazySchema<ProfileFile>((z) => {
  // Beyond 2^53 a number would silently become another one, and the filter too.
  const number = z.int().min(0)
  const action = z.string().regex(/^SCMP_ACT_(ALLOW|ERRNO|KILL(_PROCESS|_THREAD)?|LOG|NOTIFY|TRACE|TRAP)$/, 'is not an action')
  const op = z.string().regex(/^SCMP_CMP_(NE|LT|LE|EQ|GE|GT|MASKED_EQ)$/, 'is not a comparison')
  const conditions = z
    .object({ caps: z.array(z.string()).nullish(), arches: z.array(z.string()).nullish(), minKernel: z.string().optional() })
    .nullish()
  return z.object({
    defaultAction: action,
    defaultErrnoRet: number.optional(),
    architectures: z.array(z.string()).nullish(),
    archMap: z.array(z.object({ architecture: z.string(), subArchitectures: z.array(z.string()).nullish() })).nullish(),
    flags: z.array(z.string()).nullish(),
    listenerPath: z.string().optional(),
    listenerMetadata: z.string().optional(),
    syscalls: z
      .array(
        z.object({
          name: z.string().optional(),
          names: z.array(z.string()).nullish(),
          action,
          errnoRet: number.optional(),
          args: z.array(z.object({ index: number, value: number, valueTwo: number.optional(), op })).nullish(),
          includes: conditions,
          excludes: conditions,
        }),
      )
      .nullish(),
  })
})

/** Profiles for one host. `systemPath` is the one that containers.conf names, if it names one. */
export function seccompProfiles(target: SeccompTarget, systemPath?: string): SeccompProfiles {
  const known = new Map<string, { readonly identity: string; readonly profile: Promise<SeccompProfile> }>()
  const loadFrom = async (path: string): Promise<SeccompProfile | undefined> => {
    const identity = await identify(path)
    if (identity === undefined) return undefined
    const before = known.get(path)
    if (before?.identity === identity) return before.profile
    const profile = readProfile(path, target)
    known.set(path, { identity, profile })
    profile.catch(() => known.delete(path))
    return profile
  }
  return {
    async load(path) {
      const candidates = path === undefined ? (systemPath === undefined ? systemPaths : [systemPath]) : [path]
      for (const candidate of candidates) {
        const profile = await loadFrom(candidate).catch((error: unknown) => {
          throw isLibpodError(error) ? error : unreadable(candidate, path === undefined ? 'oci.seccompProfile' : 'security.seccomp', error)
        })
        if (profile) return profile
      }
      throw path === undefined ? noProfile(candidates) : missingProfile(path)
    },
  }
}

/** Stands for the system's profile where there is none: containers are refused, never started without a filter. */
export function absentSeccompProfile(reason: unknown): SeccompProfile {
  return {
    path: '',
    resolve() {
      throw reason
    },
  }
}

async function identify(path: string): Promise<string | undefined> {
  try {
    const { dev, ino, size, mtimeMs } = await stat(path)
    return `${dev}:${ino}:${size}:${mtimeMs}`
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

async function readProfile(path: string, target: SeccompTarget): Promise<SeccompProfile> {
  const text = (await readWithin(path, maxBytes)).toString('utf8')
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (cause) {
    throw new LibpodError('invalid-argument', `The seccomp profile ${path} is not JSON.`, { path }, { cause, hint: 'Correct the file.' })
  }
  const file = await schema.parse(document, path)
  const resolved = new Map<string, RuntimeSeccomp>()
  return {
    path,
    resolve(capabilities) {
      const key = capabilities.join()
      const before = resolved.get(key)
      if (before) return before
      const seccomp = resolveProfile(file, path, target, capabilities)
      resolved.set(key, seccomp)
      return seccomp
    },
  }
}

const nativeArchitectures: Readonly<Record<string, string>> = {
  amd64: 'SCMP_ARCH_X86_64',
  arm64: 'SCMP_ARCH_AARCH64',
  mips64: 'SCMP_ARCH_MIPS64',
  mips64le: 'SCMP_ARCH_MIPSEL64',
  s390x: 'SCMP_ARCH_S390X',
}

/** Go's names of architectures that libseccomp, whose names profiles use, calls differently. */
const libseccompNames: Readonly<Record<string, string>> = { '386': 'x86', mipsle: 'mipsel', mips64le: 'mipsel64' }

function resolveProfile(file: ProfileFile, path: string, target: SeccompTarget, capabilities: readonly string[]): RuntimeSeccomp {
  const has = new Set(capabilities)
  const syscalls = (file.syscalls ?? []).filter((rule) => applies(rule, target, has)).map((rule) => toRule(rule, path))
  const architectures = architecturesOf(file, path, target.arch)
  return {
    defaultAction: file.defaultAction,
    ...(file.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: file.defaultErrnoRet }),
    ...(architectures.length === 0 ? {} : { architectures }),
    ...(file.flags?.length ? { flags: file.flags } : {}),
    ...(file.listenerPath === undefined ? {} : { listenerPath: file.listenerPath }),
    ...(file.listenerMetadata === undefined ? {} : { listenerMetadata: file.listenerMetadata }),
    syscalls,
  }
}

function applies({ includes, excludes }: ProfileRule, { arch, kernel }: SeccompTarget, has: ReadonlySet<string>): boolean {
  const name = libseccompNames[arch] ?? arch
  if (excludes?.arches?.includes(name)) return false
  if (excludes?.caps?.some((cap) => has.has(cap))) return false
  if (excludes?.minKernel !== undefined && isAtLeast(kernel, excludes.minKernel)) return false
  if (includes?.arches?.length && !includes.arches.includes(name)) return false
  if (includes?.caps?.length && !includes.caps.every((cap) => has.has(cap))) return false
  return includes?.minKernel === undefined || isAtLeast(kernel, includes.minKernel)
}

function toRule({ name, names, action, errnoRet, args }: ProfileRule, path: string): RuntimeSyscallRule {
  if (name !== undefined && name !== '' && names?.length) throw contradiction(path, 'a rule has both "name" and "names"')
  return {
    names: names?.length ? names : [name ?? ''],
    action,
    ...(errnoRet === undefined ? {} : { errnoRet }),
    ...(args?.length
      ? { args: args.map(({ index, value, valueTwo, op }) => ({ index, value, ...(valueTwo ? { valueTwo } : {}), op })) }
      : {}),
  }
}

function architecturesOf({ architectures, archMap }: ProfileFile, path: string, arch: string): string[] {
  if (architectures?.length && archMap?.length) throw contradiction(path, 'it has both "architectures" and "archMap"')
  if (architectures?.length) return [...architectures]
  const native = nativeArchitectures[arch]
  const entry = archMap?.find(({ architecture }) => architecture === native)
  return entry ? [entry.architecture, ...(entry.subArchitectures ?? [])] : []
}

function isAtLeast(kernel: string, wanted: string): boolean {
  const [major = 0, minor = 0] = kernel.split(/[^0-9]+/, 2).map(Number)
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.', 2).map(Number)
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}

function contradiction(path: string, what: string): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `The seccomp profile ${path} contradicts itself: ${what}.`,
    { path },
    { hint: 'Correct the file.' },
  )
}

function noProfile(candidates: readonly string[]): LibpodError {
  return new LibpodError(
    'unavailable',
    `There is no seccomp profile at ${candidates.join(' or ')}, and containers are never started without a filter unasked.`,
    { what: 'seccomp profile', install: 'containers-common (Fedora) or golang-github-containers-common (Debian, Ubuntu)' },
    {
      hint: "Install containers-common (Debian: golang-github-containers-common), or pass security: { seccomp: '/path/of/a/profile.json' }.",
    },
  )
}

function missingProfile(path: string): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `security.seccomp: there is no profile at ${path}.`,
    { path: 'security.seccomp', value: path },
    { hint: "Give the absolute path of a profile, or 'unconfined'." },
  )
}

function unreadable(path: string, option: 'oci.seccompProfile' | 'security.seccomp', cause: unknown): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `${option}: the seccomp profile ${path} cannot be read (${whyUnreadable(cause)}).`,
    { path: option, value: path },
    {
      cause,
      hint:
        option === 'security.seccomp'
          ? "Give the absolute path of a profile, or 'unconfined'."
          : "Make it a profile that can be read, or name another: oci.seccompProfile of Runtime.open, or containers.conf's seccomp_profile.",
    },
  )
}
