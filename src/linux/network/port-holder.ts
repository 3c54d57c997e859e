import { readdir, readFile, readlink } from 'node:fs/promises'

/** Who has a port. */
export interface PortHolder {
  readonly pid: number
  readonly program: string
}

/** The program that has a port of this host open, as far as it can be told: a walk through all of /proc, for an error message. */
export async function holderOfPort(protocol: 'tcp' | 'udp', port: number): Promise<PortHolder | undefined> {
  const inodes = new Set<string>()
  for (const { port: local, inode, listening } of await openPorts('self', protocol)) if (local === port && listening) inodes.add(inode)
  if (inodes.size === 0) return undefined
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1]
      if (inode === undefined || !inodes.has(inode)) continue
      const program = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
      return { pid: Number(pid), program: program.trim() }
    }
  }
  return undefined
}

/** A socket of a network namespace that is bound to a port. */
export interface OpenPort {
  readonly port: number
  readonly inode: string
  /** It takes connections, or packets from anybody. */
  readonly listening: boolean
}

const TCP_LISTEN = '0A'
/** UDP has no connections: a socket that waits for packets of anybody is in this state. */
const UDP_OPEN = '07'

/** The bound sockets in the network namespace of a process, IPv4 and IPv6. */
export async function openPorts(pid: number | 'self', protocol: 'tcp' | 'udp'): Promise<OpenPort[]> {
  const tables = await Promise.all([protocol, `${protocol}6`].map((table) => readFile(`/proc/${pid}/net/${table}`, 'utf8').catch(() => '')))
  return tables.flatMap((table) => table.split('\n').slice(1).flatMap(parseSocket))
}

/** `sl local_address rem_address st …`, the tenth being the inode. */
function parseSocket(line: string): OpenPort[] {
  const fields = line.trim().split(/\s+/)
  const port = /:([0-9A-F]{4})$/.exec(fields[1] ?? '')?.[1]
  const inode = fields[9]
  if (port === undefined || inode === undefined) return []
  return [{ port: Number.parseInt(port, 16), inode, listening: fields[3] === TCP_LISTEN || fields[3] === UDP_OPEN }]
}
