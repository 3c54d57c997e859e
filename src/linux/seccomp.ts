import { mkdir, open, readFile, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { crypto } from '../base/crypto.ts'
import { LibpodError } from '../base/errors.ts'
import { mapFsError } from './fs/disk.ts'
import { comparisonSize, type Libseccomp, libseccomp, type SeccompFilter, unknownSyscall } from './native/libseccomp.ts'
import type { SeccompProfile } from './seccomp-profile.ts'
import { actionOf, comparisonsOf } from './seccomp-values.ts'

/** Changes whenever the same profile would be compiled to something else. */
const formatVersion = 1

/** How long rules are added before the event loop gets a turn. */
const sliceMs = 3

/**
 * The compiled filter of a profile, as `run.oci.seccomp_bpf_data` takes it (base64 of these bytes); from the cache when it was made
 * before. `undefined` when this machine has no libseccomp: the runtime then compiles it each time, as ever.
 */
export async function seccompBpf({
  profile,
  cacheDir,
}: {
  readonly profile: SeccompProfile
  readonly cacheDir: string
}): Promise<Buffer | undefined> {
  const library = libseccomp()
  if (library === undefined) return undefined
  const cached = join(cacheDir, `${cacheKey(library, profile)}.bpf`)
  const known = await readFile(cached).catch(() => undefined)
  // A filter is a row of instructions of 8 bytes each.
  if (known !== undefined && known.length > 0 && known.length % 8 === 0) return known
  await mkdir(cacheDir, { recursive: true, mode: 0o700 })
  return compileTo(library, profile, cached)
}

/** Tries hard to be what crun does with the same profile, to the byte, but never blocks the event loop for long (20 ms in all). */
async function compileTo(library: Libseccomp, profile: SeccompProfile, path: string): Promise<Buffer> {
  const temporary = `${path}.${process.pid}.${performance.now()}`
  const filter = library.init(actionOf(profile.defaultAction, profile.defaultErrnoRet, 'defaultAction'))
  if (filter === null) throw refused('the default action', profile.defaultAction, 'defaultAction')
  try {
    addArchitectures(library, filter, profile)
    await addRules(library, filter, profile)
    const file = await open(temporary, 'wx+', 0o600)
    try {
      const result = await library.exportBpf(filter, file.fd)
      if (result < 0) throw refused('the filter', -result, 'seccomp')
      const { size } = await file.stat()
      const bpf = Buffer.alloc(size)
      await file.read(bpf, 0, size, 0)
      await rename(temporary, path)
      return bpf
    } finally {
      await file.close()
    }
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw mapFsError(error, path)
  } finally {
    library.release(filter)
  }
}

function addArchitectures(library: Libseccomp, filter: SeccompFilter, { architectures = [] }: SeccompProfile): void {
  for (const [index, name] of architectures.entries()) {
    const token = library.archResolveName(name.replace(/^SCMP_ARCH_/, '').toLowerCase())
    const result = token === 0 ? -EINVAL : library.archAdd(filter, token)
    if (result < 0 && result !== -EEXIST) throw refused('the architecture', name, `architectures[${index}]`)
  }
}

async function addRules(library: Libseccomp, filter: SeccompFilter, profile: SeccompProfile): Promise<void> {
  const defaultAction = actionOf(profile.defaultAction, profile.defaultErrnoRet, 'defaultAction')
  let sliceEnd = performance.now() + sliceMs
  for (const [index, { names, action, errnoRet, args = [] }] of (profile.syscalls ?? []).entries()) {
    const path = `syscalls[${index}]`
    const number = actionOf(action, errnoRet, `${path}.action`)
    // A rule that says the same as the default is an error to libseccomp.
    if (number === defaultAction) continue
    const comparisons = comparisonsOf(args, path)
    for (const name of names) {
      addRule(library, filter, number, name, comparisons, path)
      if (performance.now() < sliceEnd) continue
      await setImmediate()
      sliceEnd = performance.now() + sliceMs
    }
  }
}

/** Each element of `comparisons` is a rule: one row of comparisons that must all hold. */
function addRule(
  library: Libseccomp,
  filter: SeccompFilter,
  action: number,
  name: string,
  comparisons: readonly Buffer[],
  path: string,
): void {
  const syscall = library.syscallResolveName(name)
  // Profiles name system calls of kernels to come.
  if (syscall === unknownSyscall) return
  for (const row of comparisons) {
    const result = library.ruleAdd(filter, action, syscall, row.length / comparisonSize, row.length === 0 ? null : row)
    if (result < 0) throw refused('the rule for', name, path)
  }
}

const EINVAL = 22
const EEXIST = 17

function cacheKey(library: Libseccomp, profile: SeccompProfile): string {
  const { defaultAction, defaultErrnoRet, architectures, syscalls } = profile
  const text = JSON.stringify(
    [formatVersion, library.version, process.arch, defaultAction, defaultErrnoRet, architectures, syscalls],
    (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value),
  )
  return crypto().createHash('sha256').update(text).digest('hex')
}

function refused(what: string, value: unknown, path: string): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `libseccomp refuses ${what} ${String(value)} of the seccomp profile.`,
    { path, value },
    { hint: 'Correct the profile, or use the one of the distribution.' },
  )
}
