import { LibpodError } from '../../../base/errors.ts'
import { isErrno } from '../../../linux/errno.ts'
import { connectSeqpacket, type SeqpacketSocket } from '../../../linux/seqpacket.ts'
import type { MonitorAttachment, MonitorPlace } from '../../monitor.ts'
import { bundleFiles } from '../bundle-files.ts'

/** conmon reads so much at a time; what is longer in one packet would be cut. */
const packetBytes = 32 * 1024

/** A reader that stops makes conmon, and with it the container, wait when so much lies here. */
const highWaterBytes = 1024 * 1024

const stdoutTag = 2
const stderrTag = 3

/** Connects to conmon's attach socket: packets that begin with a byte for the stream, and bare bytes for stdin the other way. */
export async function attachToConmon(place: MonitorPlace, { stdin }: { readonly stdin: boolean }): Promise<MonitorAttachment> {
  const socket = await connect(place)
  const close = async (): Promise<void> => socket.close()
  return {
    output: readOutput(socket),
    async write(data) {
      if (!stdin) throw noStdin(place)
      for (let at = 0; at < data.length; at += packetBytes) await socket.send(data.subarray(at, at + packetBytes))
    },
    async end() {
      if (!stdin) throw noStdin(place)
      socket.shutdownWrite()
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function connect(place: MonitorPlace): Promise<SeqpacketSocket> {
  try {
    return await connectSeqpacket(bundleFiles(place).attach, { highWaterBytes })
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ECONNREFUSED')) throw error
    throw new LibpodError(
      'invalid-state',
      `Nothing listens for those who attach to container ${place.id.slice(0, 12)}.`,
      { kind: 'container', ref: place.id, state: 'exited', allowed: ['initialized', 'running', 'paused'], verb: 'attach' },
      { cause: error, hint: 'Start the container first; init() makes it ready to attach without starting its program.' },
    )
  }
}

async function* readOutput(socket: SeqpacketSocket): AsyncGenerator<{ stream: 'stdout' | 'stderr'; data: Buffer }, void> {
  try {
    for await (const packet of socket.packets) {
      if (packet.length === 0) return
      if (packet[0] === stdoutTag) yield { stream: 'stdout', data: packet.subarray(1) }
      else if (packet[0] === stderrTag) yield { stream: 'stderr', data: packet.subarray(1) }
    }
  } catch (error) {
    // conmon ended with something from us unread.
    if (!isErrno(error, 'ECONNRESET', 'EPIPE')) throw error
  }
}

function noStdin({ id }: MonitorPlace): LibpodError<'invalid-argument'> {
  return new LibpodError(
    'invalid-argument',
    `This attachment to container ${id.slice(0, 12)} is for reading only.`,
    { path: 'stdin' },
    { hint: 'Attach with { stdin: true }.' },
  )
}
