/** The types of `config.json` of the OCI runtime specification 1.1, as far as Linux goes. */

export interface RuntimeSpec {
  readonly ociVersion: string
  readonly process?: RuntimeProcess
  readonly root?: RuntimeRoot
  readonly hostname?: string
  readonly domainname?: string
  readonly mounts?: readonly RuntimeMount[]
  readonly hooks?: RuntimeHooks
  readonly annotations?: Readonly<Record<string, string>>
  readonly linux?: RuntimeLinux
}

/** What runs: in `config.json`, and by itself in the file that `exec --process` reads. */
export interface RuntimeProcess {
  readonly terminal?: boolean
  readonly consoleSize?: { readonly height: number; readonly width: number }
  readonly user: RuntimeUser
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly capabilities?: RuntimeCapabilities
  readonly rlimits?: readonly RuntimeRlimit[]
  readonly noNewPrivileges?: boolean
  readonly apparmorProfile?: string
  readonly oomScoreAdj?: number
  readonly selinuxLabel?: string
}

export interface RuntimeUser {
  readonly uid: number
  readonly gid: number
  readonly umask?: number
  readonly additionalGids?: readonly number[]
}

export interface RuntimeCapabilities {
  readonly bounding?: readonly string[]
  readonly effective?: readonly string[]
  readonly inheritable?: readonly string[]
  readonly permitted?: readonly string[]
  readonly ambient?: readonly string[]
}

/** `Infinity` is "unlimited"; plain JSON.stringify cannot write it, `serializeSpec` and `serializeProcess` can. */
export interface RuntimeRlimit {
  readonly type: string
  readonly hard: number
  readonly soft: number
}

export interface RuntimeRoot {
  readonly path: string
  readonly readonly?: boolean
}

export interface RuntimeMount {
  readonly destination: string
  readonly type?: string
  readonly source?: string
  readonly options?: readonly string[]
}

export interface RuntimeHook {
  readonly path: string
  readonly args?: readonly string[]
  readonly env?: readonly string[]
  readonly timeout?: number
}

export interface RuntimeHooks {
  readonly prestart?: readonly RuntimeHook[]
  readonly createRuntime?: readonly RuntimeHook[]
  readonly createContainer?: readonly RuntimeHook[]
  readonly startContainer?: readonly RuntimeHook[]
  readonly poststart?: readonly RuntimeHook[]
  readonly poststop?: readonly RuntimeHook[]
}

export interface RuntimeLinux {
  readonly namespaces?: readonly RuntimeNamespace[]
  readonly uidMappings?: readonly RuntimeIdMapping[]
  readonly gidMappings?: readonly RuntimeIdMapping[]
  readonly devices?: readonly RuntimeDevice[]
  readonly cgroupsPath?: string
  readonly resources?: RuntimeResources
  readonly rootfsPropagation?: 'shared' | 'slave' | 'private' | 'unbindable' | 'rshared' | 'rslave' | 'rprivate' | 'runbindable'
  readonly seccomp?: RuntimeSeccomp
  readonly sysctl?: Readonly<Record<string, string>>
  readonly maskedPaths?: readonly string[]
  readonly readonlyPaths?: readonly string[]
  readonly mountLabel?: string
}

export type RuntimeNamespaceType = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time'

export interface RuntimeNamespace {
  readonly type: RuntimeNamespaceType
  /** Join this one; a new one is made if not given. */
  readonly path?: string
}

export interface RuntimeIdMapping {
  readonly containerID: number
  readonly hostID: number
  readonly size: number
}

export interface RuntimeDevice {
  readonly path: string
  readonly type: 'c' | 'b' | 'u' | 'p'
  readonly major?: number
  readonly minor?: number
  readonly fileMode?: number
  readonly uid?: number
  readonly gid?: number
}

export interface RuntimeResources {
  readonly devices?: readonly RuntimeDeviceRule[]
  readonly memory?: RuntimeMemory
  readonly cpu?: RuntimeCpu
  readonly pids?: { readonly limit: number }
  readonly blockIO?: { readonly weight?: number }
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[]
  readonly unified?: Readonly<Record<string, string>>
}

export interface RuntimeDeviceRule {
  readonly allow: boolean
  readonly type?: 'a' | 'c' | 'b'
  readonly major?: number
  readonly minor?: number
  readonly access?: string
}

export interface RuntimeMemory {
  readonly limit?: number
  readonly reservation?: number
  readonly swap?: number
  readonly swappiness?: number
  readonly disableOOMKiller?: boolean
}

export interface RuntimeCpu {
  readonly shares?: number
  readonly quota?: number
  readonly period?: number
  readonly cpus?: string
  readonly mems?: string
}

/** A system-call filter as runtimes take it: already resolved for one architecture and one set of capabilities. */
export interface RuntimeSeccomp {
  readonly defaultAction: string
  readonly defaultErrnoRet?: number
  readonly architectures?: readonly string[]
  readonly flags?: readonly string[]
  readonly listenerPath?: string
  readonly listenerMetadata?: string
  readonly syscalls?: readonly RuntimeSyscallRule[]
}

export interface RuntimeSyscallRule {
  readonly names: readonly string[]
  readonly action: string
  readonly errnoRet?: number
  readonly args?: readonly RuntimeSyscallArg[]
}

export interface RuntimeSyscallArg {
  readonly index: number
  readonly value: number
  readonly valueTwo?: number
  readonly op: string
}
