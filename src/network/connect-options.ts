import type { AbortOptions } from '../base/abort.ts'

/** A container's place in a network: {@link Network.connect}. @public */
export interface ConnectNetworkOptions extends AbortOptions {
  /** Further names by which others in the network find it. */
  readonly aliases?: readonly string[] | undefined
  /** Addresses it must have; free ones are chosen if not given. */
  readonly staticIps?: readonly string[] | undefined
  /** As `92:d0:c6:0a:29:33`. */
  readonly staticMac?: string | undefined
  /** Its interface in the container; the first free one of `eth0`, `eth1`, … if not given. */
  readonly interfaceName?: string | undefined
}
