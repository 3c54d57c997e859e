import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A gate that containers wait at: programs that read from its fifo go on, all together, when it is opened. */
export class Gate {
  readonly #folder = mkdtempSync(join(tmpdir(), 'libpod-ts-gate-'))

  constructor() {
    execFileSync('mkfifo', [join(this.#folder, 'fifo')])
  }

  /** The mount and the command of a container that ends with this code when the gate opens. */
  waiter(exitCode: number): { readonly mounts: readonly object[]; readonly command: readonly string[] } {
    return {
      mounts: [{ type: 'bind', source: this.#folder, target: '/gate' }],
      command: ['sh', '-c', `echo up; read x < /gate/fifo; exit ${exitCode}`],
    }
  }

  open(): void {
    // Without a reader it fails, and nobody waits.
    closeSync(openSync(join(this.#folder, 'fifo'), constants.O_WRONLY | constants.O_NONBLOCK))
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true })
  }
}
