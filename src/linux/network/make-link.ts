import { systemError } from '../errno.ts'
import { AF_NETLINK, SOCK_RAW } from '../native/constants.ts'
import { libc } from '../native/libc.ts'

const RTM_NEWLINK = 16
const RTM_DELLINK = 17
const NLMSG_ERROR = 2
/** A request, to be acknowledged, that makes something and fails when that is there. */
const NLM_F_REQUEST = 1
const NLM_F_ACK = 4
const NLM_F_EXCL = 0x200
const NLM_F_CREATE = 0x400
const IFLA_IFNAME = 3
const IFLA_LINKINFO = 18
const IFLA_INFO_KIND = 1
const EEXIST = 17
const ENODEV = 19

/** Makes a bridge, down and without ports, in the network namespace of this thread. Gives `false` when a link of that name is there. */
export function makeBridge(name: string): boolean {
  const kind = attribute(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, Buffer.from('bridge')))
  return ask(name, RTM_NEWLINK, NLM_F_EXCL | NLM_F_CREATE, [kind], EEXIST)
}

/** Removes a link of the network namespace of this thread. Gives `false` when there is none of that name. */
export function removeLink(name: string): boolean {
  return ask(name, RTM_DELLINK, 0, [], ENODEV)
}

/** Sends one request and reads its acknowledgement: a struct nlmsghdr of 16 bytes, and the negated error number. */
function ask(name: string, type: number, flags: number, attributes: readonly Buffer[], harmless: number): boolean {
  // A struct ifinfomsg that says nothing: the name says which.
  const body = Buffer.concat([Buffer.alloc(16), attribute(IFLA_IFNAME, Buffer.from(`${name}\0`)), ...attributes])
  const header = Buffer.alloc(16)
  header.writeUInt32LE(header.length + body.length, 0)
  header.writeUInt16LE(type, 4)
  header.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK | flags, 6)
  header.writeUInt32LE(1, 8)
  const fd = libc().socket(AF_NETLINK, SOCK_RAW)
  try {
    libc().send(fd, Buffer.concat([header, body]))
    const answer = Buffer.alloc(4096)
    const length = libc().recv(fd, answer) ?? 0
    const errno = length >= 20 && answer.readUInt16LE(4) === NLMSG_ERROR ? -answer.readInt32LE(16) : 0
    if (errno !== 0 && errno !== harmless) throw systemError(errno, 'netlink', name)
    return errno === 0
  } finally {
    libc().close(fd)
  }
}

/** Length and type, the value, and what fills it up to four bytes. */
function attribute(type: number, value: Buffer): Buffer {
  const length = 4 + value.length
  const data = Buffer.alloc(Math.ceil(length / 4) * 4)
  data.writeUInt16LE(length, 0)
  data.writeUInt16LE(type, 2)
  value.copy(data, 4)
  return data
}
