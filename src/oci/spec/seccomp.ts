import { LibpodError } from '../../base/errors.ts'
import type { RuntimeSeccomp } from '../../specs/runtime-spec.ts'
import type { SeccompProfile } from '../seccomp-profile.ts'
import { boundingOf, type NormalizedCapabilities } from './capabilities.ts'
import type { NormalizedSecurity } from './security.ts'
import type { SpecHost } from './spec-host.ts'

/** Which system calls the container may use. It is an option of `security`; this is its effect. */
export interface SeccompInput {
  readonly options: NormalizedCapabilities & NormalizedSecurity
  readonly host: SpecHost
  /** The profile that the options name by a path. */
  readonly profile?: SeccompProfile | undefined
}

/** The filter, or `undefined` for none: asked for by `unconfined`, or privileged without a profile of its own. */
export function seccompOf({ options, host, profile }: SeccompInput): RuntimeSeccomp | undefined {
  const { seccomp } = options.security
  if (seccomp === 'unconfined' || (seccomp === undefined && options.privileged)) return undefined
  if (seccomp !== undefined && profile === undefined) {
    throw new LibpodError('internal', `The seccomp profile ${seccomp} was not loaded before the specification was made.`, {
      what: 'prepareSpec',
    })
  }
  return (profile ?? host.seccomp).resolve(boundingOf(options, host))
}
