import { joinableNamespaces, joinedContainer } from '../../oci/spec/namespaces.ts'
import type { CreateContainerOptions } from '../options.ts'
import type { ContainersServices } from '../services.ts'
import { requireRecord } from '../store.ts'

/** Options whose `{ container }` are ids, and what follows from them. */
export interface JoinedOptions {
  readonly options: CreateContainerOptions
  /** The host name of the container whose UTS namespace is joined. */
  readonly hostname?: string
}

/** Looks up the containers that a new one shares namespaces with. Rejects with `not-found` or `ambiguous`. */
export async function resolveJoined(services: ContainersServices, options: CreateContainerOptions): Promise<JoinedOptions> {
  const resolved: Record<string, { readonly container: string }> = {}
  for (const kind of joinableNamespaces) {
    const named = joinedContainer(options[kind])
    if (named !== undefined) resolved[kind] = { container: await services.registry.resolve('container', named) }
  }
  const { uts } = resolved
  const complete: CreateContainerOptions = { ...options, ...resolved }
  return uts === undefined
    ? { options: complete }
    : { options: complete, hostname: (await requireRecord(services, uts.container)).options.hostname }
}
