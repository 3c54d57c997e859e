import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'

/** The networks that this host is connected to, as `address/prefix`, IPv4 and IPv6: of its links, and those it has routes to. */
export async function hostNetworks(): Promise<string[]> {
  const links = Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ cidr }) => cidr))
  const routes = (await readText('/proc/net/route')).split('\n').slice(1).map(parseRoute)
  return [...new Set([...links, ...routes].filter((network): network is string => typeof network === 'string'))]
}

/** The names of all links of this network namespace. */
export async function linkNames(): Promise<Set<string>> {
  const lines = (await readText('/proc/net/dev')).split('\n').slice(2)
  return new Set(lines.map((line) => line.slice(0, line.indexOf(':')).trim()).filter((name) => name !== ''))
}

/** Interface, destination, …, mask: as hex, in the byte order of the machine, which is little-endian. The default route is everything, and no network. */
function parseRoute(line: string): string | undefined {
  const [, destination = '', , , , , , mask = ''] = line.split('\t')
  if (!/^[0-9A-F]{8}$/.test(destination) || !/^[0-9A-F]{8}$/.test(mask) || mask === '00000000') return undefined
  const bytes = [...Buffer.from(destination, 'hex')].reverse()
  const prefix = [...BigInt(`0x${mask}`).toString(2)].filter((bit) => bit === '1').length
  return `${bytes.join('.')}/${prefix}`
}

function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
