import type { RuntimeSeccomp } from '../../specs/runtime-spec.ts'
import type { SpecInput } from './generate.ts'
import { readHostObjects } from './host-objects.ts'
import { seccompOf } from './seccomp.ts'
import type { SpecHost } from './spec-host.ts'
import type { NormalizedSpecOptions } from './spec-options.ts'

/** What `prepareSpec` reads, to be spread into the input of `generateSpec`. */
export type PreparedSpec = Pick<SpecInput, 'objects' | 'seccompProfile' | 'seccompBpf'>

/**
 * Reads what `generateSpec` needs of the host at this moment: the devices and bind mounts of the options, a seccomp profile named by
 * the options; and has the filter compiled where the runtime takes it so.
 */
export async function prepareSpec(input: {
  readonly options: NormalizedSpecOptions
  readonly host: SpecHost
  /** For a runtime that takes compiled filters: the filter in base64, or `undefined` where it cannot be had. */
  readonly compileSeccomp?: ((seccomp: RuntimeSeccomp) => Promise<string | undefined>) | undefined
}): Promise<PreparedSpec> {
  const { options, host, compileSeccomp } = input
  const [objects, seccomp] = await Promise.all([readHostObjects(options, host), prepareSeccomp(options, host, compileSeccomp)])
  return { objects, ...seccomp }
}

async function prepareSeccomp(
  options: NormalizedSpecOptions,
  host: SpecHost,
  compile: ((seccomp: RuntimeSeccomp) => Promise<string | undefined>) | undefined,
): Promise<Pick<PreparedSpec, 'seccompProfile' | 'seccompBpf'>> {
  const { seccomp: path } = options.security
  const profile = path === undefined || path === 'unconfined' ? undefined : await host.seccompProfiles.load(path)
  const seccomp = seccompOf({ options, host, profile })
  const seccompBpf = seccomp === undefined ? undefined : await compile?.(seccomp)
  return { ...(profile === undefined ? {} : { seccompProfile: profile }), ...(seccompBpf === undefined ? {} : { seccompBpf }) }
}
