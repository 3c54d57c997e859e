import { isIPv6 } from 'node:net'

/** What `/etc/resolv.conf` of a container is made of. */
export interface ResolvConfInput {
  /** The host's own file. */
  readonly host: string
  /** The container is in the host's network: then servers on loopback can be reached. */
  readonly sharesHost: boolean
  readonly ipv6: boolean
  /** What the caller asks for replaces what would be found. */
  readonly servers: readonly string[]
  readonly searches: readonly string[]
  readonly options: readonly string[]
  /** Who answers for names in the container's networks. */
  readonly networkServers: readonly string[]
  readonly networkSearches: readonly string[]
}

/** When the host tells of no server that a container can reach. */
const publicServers = ['8.8.8.8', '8.8.4.4']
/** The resolver looks at no more of them. */
const mostServers = 3

/** The file as Podman would write it. */
export function resolvConfText(input: ResolvConfInput): string {
  const host = parse(input.host)
  const reachable = host.servers.filter((server) => input.sharesHost || (!isLoopback(server) && (input.ipv6 || !isIPv6(server))))
  const found = [...input.networkServers, ...(reachable.length === 0 ? publicServers : reachable)]
  const servers = input.servers.length > 0 ? input.servers : found.slice(0, mostServers)
  const searches = input.searches.length > 0 ? input.searches : [...new Set([...input.networkSearches, ...host.searches])]
  const options = input.options.length > 0 ? input.options : host.options
  // A single dot says: none, whatever the host has.
  const shown = searches.filter((search) => search !== '.')
  return [
    ...(shown.length === 0 ? [] : [`search ${shown.join(' ')}`]),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length === 0 ? [] : [`options ${options.join(' ')}`]),
  ]
    .map((line) => `${line}\n`)
    .join('')
}

function parse(text: string): { readonly servers: string[]; readonly searches: string[]; readonly options: string[] } {
  const lines = text.split('\n').map((line) =>
    line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/),
  )
  const of = (key: string): string[][] => lines.filter(([first]) => first === key).map(([, ...rest]) => rest)
  // The last line of domains counts, whichever word it has, and every option.
  const [, ...searches] = lines.filter(([first]) => first === 'search' || first === 'domain').at(-1) ?? []
  return { servers: of('nameserver').flatMap(([server]) => server ?? []), searches, options: of('options').flat() }
}

function isLoopback(server: string): boolean {
  return server.startsWith('127.') || server === '::1'
}
