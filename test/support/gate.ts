import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A gate that containers wait at: each program that reads a line from its fifo goes on. */
export class Gate {
  readonly #folder = mkdtempSync(join(tmpdir(), 'libpod-ts-gate-'))

  readonly #fifo: number

  constructor() {
    const path = join(this.#folder, 'fifo')
    execFileSync('mkfifo', [path])
    this.#fifo = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  }

  /** The mount and the command of a container that ends with this code when the gate opens. */
  waiter(exitCode: number): { readonly mounts: readonly object[]; readonly command: readonly string[] } {
    return {
      mounts: [{ type: 'bind', source: this.#folder, target: '/gate' }],
      command: ['sh', '-c', `echo up; read x < /gate/fifo; exit ${exitCode}`],
    }
  }

  /** Lets so many go, all together; those that have not come so far go on when they come. */
  open(count: number): void {
    writeSync(this.#fifo, '\n'.repeat(count))
  }

  remove(): void {
    closeSync(this.#fifo)
    rmSync(this.#folder, { recursive: true })
  }
}
