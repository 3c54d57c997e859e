import { systemError } from '../errno.ts'
import { MSG_CMSG_CLOEXEC, SCM_RIGHTS, SOL_SOCKET } from './constants.ts'
import { koffi } from './koffi.ts'
import { libc } from './libc.ts'

/**
 * A msghdr, its one iovec, the control data and the payload in one buffer, as 64-bit Linux lays them out; one buffer so that nothing
 * that is pointed to can be collected during the call.
 */
const headerSize = 56
const vectorAt = 56
const controlAt = 72
/** CMSG_SPACE of up to 4 descriptors; whoever sends more than one is sent packing. */
const controlSize = 32
const payloadAt = controlAt + controlSize
const payloadSize = 4096

/** Receives one message with a descriptor (SCM_RIGHTS); `undefined` when nothing is there yet. */
export function receiveDescriptor(socket: number): number | undefined {
  const message = messageOf(payloadAt + payloadSize, payloadSize, controlSize)
  const length = libc().recvmsg(socket, message, MSG_CMSG_CLOEXEC)
  if (length === undefined) return undefined
  const fds = descriptorsIn(message)
  const [first, ...others] = fds
  if (first !== undefined && others.length === 0) return first
  for (const fd of fds) libc().close(fd)
  throw systemError(EBADMSG, 'recvmsg')
}

/** Sends a descriptor with one byte; `false` when it does not fit now. */
export function sendDescriptor(socket: number, fd: number): boolean {
  const message = messageOf(payloadAt + 1, 1, 24)
  message.writeBigUInt64LE(20n, controlAt)
  message.writeInt32LE(SOL_SOCKET, controlAt + 8)
  message.writeInt32LE(SCM_RIGHTS, controlAt + 12)
  message.writeInt32LE(fd, controlAt + 16)
  return libc().sendmsg(socket, message) !== undefined
}

function messageOf(size: number, payload: number, control: number): Buffer {
  // Not from the pool: its address must be its own.
  const message = Buffer.alloc(size)
  const address = koffi().address(message)
  message.writeBigUInt64LE(address + BigInt(vectorAt), 16)
  message.writeBigUInt64LE(1n, 24)
  message.writeBigUInt64LE(address + BigInt(controlAt), 32)
  message.writeBigUInt64LE(BigInt(control), 40)
  message.writeBigUInt64LE(address + BigInt(payloadAt), headerSize)
  message.writeBigUInt64LE(BigInt(payload), headerSize + 8)
  return message
}

function descriptorsIn(message: Buffer): number[] {
  const used = message.readUInt32LE(40)
  if (used < 20) return []
  const length = message.readUInt32LE(controlAt)
  if (message.readInt32LE(controlAt + 8) !== SOL_SOCKET || message.readInt32LE(controlAt + 12) !== SCM_RIGHTS) return []
  const fds: number[] = []
  for (let at = 16; at + 4 <= Math.min(length, used); at += 4) fds.push(message.readInt32LE(controlAt + at))
  return fds
}

const EBADMSG = 74
