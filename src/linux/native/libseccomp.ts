import { koffi } from './koffi.ts'

/** A filter under construction: an address. */
export type SeccompFilter = bigint

/** What is used of libseccomp. Functions that can fail give 0 or a negative errno. */
export interface Libseccomp {
  readonly version: string
  init(defaultAction: number): SeccompFilter | null
  release(filter: SeccompFilter): void
  /** The token of an architecture by its lower-case name; 0 when unknown. */
  archResolveName(name: string): number
  archAdd(filter: SeccompFilter, token: number): number
  /** The number of a system call by its name, negative ones for those of other architectures; {@link unknownSyscall} when unknown. */
  syscallResolveName(name: string): number
  /** `args` is an array of {@link comparisonSize} bytes for each comparison. */
  ruleAdd(filter: SeccompFilter, action: number, syscall: number, count: number, args: Buffer | null): number
  /** Compiles the filter and writes it to `fd`, on a thread of the pool. */
  exportBpf(filter: SeccompFilter, fd: number): Promise<number>
}

export const unknownSyscall = -1

/** `struct scmp_arg_cmp`: unsigned arg; enum op; uint64 a; uint64 b. */
export const comparisonSize = 24

let loaded: Libseccomp | undefined

/** Loads libseccomp at the first call; `undefined` when the machine does not have it. */
export function libseccomp(): Libseccomp | undefined {
  if (loaded) return loaded
  const library = load()
  if (library === undefined) return undefined
  const exportBpf = library.func('seccomp_export_bpf', 'int', ['void *', 'int'])
  loaded = {
    version: versionOf(library),
    init: library.func('seccomp_init', 'void *', ['uint32_t']) as unknown as Libseccomp['init'],
    release: library.func('seccomp_release', 'void', ['void *']) as unknown as Libseccomp['release'],
    archResolveName: library.func('seccomp_arch_resolve_name', 'uint32_t', ['str']) as unknown as Libseccomp['archResolveName'],
    archAdd: library.func('seccomp_arch_add', 'int', ['void *', 'uint32_t']) as unknown as Libseccomp['archAdd'],
    syscallResolveName: library.func('seccomp_syscall_resolve_name', 'int', ['str']) as unknown as Libseccomp['syscallResolveName'],
    ruleAdd: library.func('seccomp_rule_add_array', 'int', [
      'void *',
      'uint32_t',
      'int',
      'uint32_t',
      'void *',
    ]) as unknown as Libseccomp['ruleAdd'],
    exportBpf: (filter, fd) =>
      new Promise((resolve, reject) => {
        exportBpf.async(filter, fd, (error: Error | null, result: number) => (error ? reject(error) : resolve(result)))
      }),
  }
  return loaded
}

type Library = ReturnType<ReturnType<typeof koffi>['load']>

function load(): Library | undefined {
  try {
    return koffi().load('libseccomp.so.2')
  } catch {
    return undefined
  }
}

/** `struct scmp_version { unsigned major, minor, micro; }` */
function versionOf(library: Library): string {
  const address = library.func('seccomp_version', 'void *', [])() as bigint
  return (koffi().decode(address, 'uint32_t', 3) as Uint32Array).join('.')
}
