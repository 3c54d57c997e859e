/** `linux.seccomp` of the OCI runtime specification, as far as the filter itself follows from it. */
export interface SeccompProfile {
  readonly defaultAction: string
  readonly defaultErrnoRet?: number | undefined
  readonly architectures?: readonly string[] | undefined
  readonly syscalls?: readonly SeccompSyscalls[] | undefined
}

export interface SeccompSyscalls {
  readonly names: readonly string[]
  readonly action: string
  readonly errnoRet?: number | undefined
  readonly args?: readonly SeccompArgument[] | undefined
}

export interface SeccompArgument {
  readonly index: number
  readonly value: number | bigint
  readonly valueTwo?: number | bigint | undefined
  readonly op: string
}
