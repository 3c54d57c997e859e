import type { RegistryAccess } from '../../../config/registry-access.ts'
import { formatReference, type ImageReference } from '../../reference.ts'
import type { Transport } from '../../transport.ts'
import { dockerSource } from './docker-source.ts'
import { RegistrySession } from './registry-session.ts'

/** What the transport is made with. */
export interface DockerTransportOptions {
  readonly access: RegistryAccess
  /** So long a registry may say nothing in the middle of something. */
  readonly stallMs?: number | undefined
}

const defaultStallMs = 30_000

/** Images in registries, spoken to as the OCI distribution specification says. */
export function dockerTransport({ access, stallMs = defaultStallMs }: DockerTransportOptions): Transport {
  return {
    name: 'docker',
    async open(reference, { tls, credentials }) {
      const { domain = 'docker.io', path } = reference
      const session = new RegistrySession({
        registry: domain,
        scope: `repository:${path}:pull`,
        tls,
        access,
        stallMs,
        credentials: (signal) =>
          credentials === undefined ? access.credentials(repository(reference), { signal }) : Promise.resolve(credentials),
      })
      return dockerSource(session, domain, reference)
    },
  }
}

function repository({ domain = 'docker.io', path }: ImageReference): string {
  return formatReference({ domain, path })
}
