import { LibpodError } from '../base/errors.ts'
import type { Zod } from '../base/schema.ts'
import { isPlainAddress } from './addresses.ts'

/** How names are looked up in the container. @public */
export interface DnsOptions {
  /** The content of `/etc/resolv.conf`. What is not given is the networks', and the host's. */
  readonly dns?: ContainerDns | undefined
  /** Further lines of `/etc/hosts`. */
  readonly extraHosts?: readonly ExtraHost[] | undefined
}

/** Who is asked for names. @public */
export interface ContainerDns {
  /** IP addresses of servers. */
  readonly servers?: readonly string[] | undefined
  /** Domains that are tried for short names; `.` means none. */
  readonly searches?: readonly string[] | undefined
  /** As resolv.conf(5) has them: `ndots:2`. */
  readonly options?: readonly string[] | undefined
}

/** A name that `/etc/hosts` knows. @public */
export interface ExtraHost {
  readonly name: string
  /** An IP address, or `host-gateway`: that of the host. */
  readonly address: string
}

/** The options as they are stored. */
export interface NormalizedDns {
  readonly dns: { readonly servers: readonly string[]; readonly searches: readonly string[]; readonly options: readonly string[] }
  readonly extraHosts: readonly ExtraHost[]
}

export const dnsShape = (z: Zod) => {
  const word = z.string().regex(/^\S+$/, 'must be a word')
  const address = z.string().refine(isPlainAddress, 'must be an IP address without a zone')
  return {
    dns: z
      .strictObject({
        servers: z.array(address).optional(),
        searches: z.array(word).optional(),
        options: z.array(word).optional(),
      })
      .optional(),
    extraHosts: z
      .array(
        z.strictObject({
          name: word,
          address: z.string().refine((text) => text === 'host-gateway' || isPlainAddress(text), 'must be an IP address or host-gateway'),
        }),
      )
      .optional(),
  }
}

/** Whose `/etc/resolv.conf` and `/etc/hosts` a container has: its own, those of the container whose network it joins, or it asks nobody. */
export type Resolver = 'own' | 'joined' | 'none'

/** Completes the options. What could have no effect is refused. */
export function normalizeDns({ dns = {}, extraHosts = [] }: DnsOptions, resolver: Resolver): NormalizedDns {
  const { servers = [], searches = [], options = [] } = dns
  if (resolver !== 'own' && [servers, searches, options].some(({ length }) => length > 0))
    throw resolver === 'joined' ? usesFilesOfOther('dns') : asksNobody()
  if (resolver === 'joined' && extraHosts.length > 0) throw usesFilesOfOther('extraHosts')
  return { dns: { servers, searches, options }, extraHosts }
}

function asksNobody(): LibpodError {
  return new LibpodError(
    'invalid-argument',
    'dns: a container without a network can ask nobody.',
    { path: 'dns' },
    { hint: 'Leave dns or network out.' },
  )
}

function usesFilesOfOther(path: 'dns' | 'extraHosts'): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `${path}: a container in the network of another one uses the files of the other.`,
    { path },
    { hint: `Give ${path} to the other container.` },
  )
}
