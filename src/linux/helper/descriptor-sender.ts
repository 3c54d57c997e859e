import { sleep } from '../../base/time.ts'
import { sendDescriptor } from '../native/descriptor-message.ts'
import { libc } from '../native/libc.ts'
import { setNonblocking } from '../pipe.ts'

/** The kernel keeps some two hundred descriptors between two processes; whoever sends more waits so long until the other has taken some. */
const pauseMs = 1

/** Hands descriptors to a helper, in the order of the calls that they belong to. */
export class DescriptorSender {
  readonly #fd: number
  #last: Promise<void> = Promise.resolve()
  #closed = false

  constructor(fd: number) {
    setNonblocking(fd)
    this.#fd = fd
  }

  /** Sends them, then runs `next` at once, before anybody else's are sent. */
  send(fds: readonly number[], next: () => void): Promise<void> {
    const sent = this.#last.then(async () => {
      for (const fd of fds) while (!this.#closed && !sendDescriptor(this.#fd, fd)) await sleep(pauseMs)
      next()
    })
    this.#last = sent.catch(() => {})
    return sent
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    libc().close(this.#fd)
  }
}
