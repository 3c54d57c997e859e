import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A gate that containers wait at: each program that reads a line from its fifo goes on. It is made when somebody is to wait. */
export class Gate {
  #made: { readonly folder: string; readonly fifo: number } | undefined

  /** The mount and the command of a container that ends with this code when the gate opens. */
  waiter(exitCode: number): { readonly mounts: readonly object[]; readonly command: readonly string[] } {
    this.#made ??= make()
    return {
      mounts: [{ type: 'bind', source: this.#made.folder, target: '/gate' }],
      command: ['sh', '-c', `echo up; read x < /gate/fifo; exit ${exitCode}`],
    }
  }

  /** Lets so many go, all together; those that have not come so far go on when they come. */
  open(count: number): void {
    if (this.#made !== undefined) writeSync(this.#made.fifo, '\n'.repeat(count))
  }

  remove(): void {
    if (this.#made === undefined) return
    closeSync(this.#made.fifo)
    rmSync(this.#made.folder, { recursive: true })
  }
}

function make(): { readonly folder: string; readonly fifo: number } {
  const folder = mkdtempSync(join(tmpdir(), 'libpod-ts-gate-'))
  const path = join(folder, 'fifo')
  execFileSync('mkfifo', [path])
  return { folder, fifo: openSync(path, constants.O_RDWR | constants.O_NONBLOCK) }
}
