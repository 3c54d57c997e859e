import type { Zod } from '../../base/schema.ts'
import type { ContainersSection } from '../../config/containers-conf.ts'
import type { NormalizedSecurity } from './security.ts'

/** Notes for OCI runtimes and hooks. @public */
export interface AnnotationOptions {
  /** Written into the container's `config.json`; OCI runtimes and hooks read them. */
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

/** The annotations as they are stored. */
export interface NormalizedAnnotations {
  readonly annotations: Readonly<Record<string, string>>
}

/** The annotation by which crun takes a filter that is compiled already. */
const seccompBpfKey = 'run.oci.seccomp_bpf_data'

export const annotationShape = (z: Zod) => ({
  annotations: z
    .record(
      z
        .string()
        .min(1)
        // It would take the place of the filter that the security options ask for.
        .refine((key) => key !== seccompBpfKey, 'is the engine’s own'),
      z.string(),
    )
    .optional(),
})

export function normalizeAnnotations({ annotations }: AnnotationOptions, defaults: ContainersSection): NormalizedAnnotations {
  return { annotations: { ...defaults.annotations, ...annotations } }
}

/** The caller's annotations and those by which others know a container of libpod. */
export function specAnnotations(input: {
  readonly options: NormalizedAnnotations & NormalizedSecurity & { readonly privileged: boolean; readonly init: boolean }
  readonly stopSignal?: number | undefined
  readonly autoRemove?: boolean | undefined
  readonly seccompBpf?: string | undefined
}): Readonly<Record<string, string>> {
  const { options, stopSignal, autoRemove, seccompBpf } = input
  const { seccomp, apparmor } = options.security
  return {
    'io.container.manager': 'libpod',
    ...(stopSignal === undefined ? {} : { 'org.opencontainers.image.stopSignal': String(stopSignal) }),
    ...(options.privileged ? { 'io.podman.annotations.privileged': 'TRUE' } : {}),
    ...(options.init ? { 'io.podman.annotations.init': 'TRUE' } : {}),
    ...(autoRemove ? { 'io.podman.annotations.autoremove': 'TRUE' } : {}),
    ...(seccomp === undefined ? {} : { 'io.podman.annotations.seccomp': seccomp }),
    ...(apparmor === undefined ? {} : { 'io.podman.annotations.apparmor': apparmor }),
    ...options.annotations,
    ...(seccompBpf === undefined ? {} : { [seccompBpfKey]: seccompBpf }),
  }
}
