import { closeSync, constants, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sleep } from '../../base/time.ts'
import { tryFlock } from '../flock.ts'
import { writeFileAtomicSync } from '../fs/atomic-write.ts'
import { isSameProcessSync, namespacePath, type ProcessIdentity } from '../proc.ts'
import { openNamespaceIf } from './namespace-pair.ts'
import type { IdMappings } from './subordinate-ids.ts'

/**
 * The namespaces of a run root as all its engines know them, in a file beside a lock. They are named by what the kernel names them; the file
 * only tells where they can be found, and is worth nothing without a process that still has them.
 */
export interface Agreement {
  /** Of the boot in which it was made. */
  readonly boot: string
  readonly user: string
  readonly mount: string
  /** With what the user namespace was made, which cannot be changed; absent where only somebody inside has written this. */
  readonly mappings?: IdMappings
  readonly holders: readonly Holder[]
}

/** A process that keeps the namespaces: by two descriptors, or by being inside. */
export interface Holder extends ProcessIdentity {
  readonly fds?: { readonly user: number; readonly mount: number }
}

/** Waits between attempts at the lock, which is held for 30 ms at most. */
const lockPauseMs = 3

/** Runs `work` while no other process does this for the run root. */
export async function withAgreement<T>(runRoot: string, work: (agreement: AgreementFile) => Promise<T>): Promise<T> {
  const fd = openSync(join(runRoot, 'namespaces.lock'), constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  try {
    while (!tryFlock(fd, 'exclusive')) await sleep(lockPauseMs)
    return await work(new AgreementFile(join(runRoot, 'namespaces.json')))
  } finally {
    closeSync(fd)
  }
}

/** The file, for who holds its lock. */
export class AgreementFile {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** What is agreed, with those holders that still live. */
  read(boot: string): Agreement | undefined {
    try {
      const agreement = JSON.parse(readFileSync(this.#path, 'utf8')) as Agreement
      if (agreement.boot !== boot) return undefined
      return { ...agreement, holders: agreement.holders.filter(isSameProcessSync) }
    } catch {
      // Without it, and with half of it, nothing is agreed.
      return undefined
    }
  }

  write(agreement: Agreement): void {
    writeFileAtomicSync(this.#path, JSON.stringify(agreement))
  }
}

/** Opens the user namespace that is agreed upon, through who still has it. */
export function openUserOf({ user, holders }: Agreement, insiders: readonly number[]): number | undefined {
  for (const { pid, fds } of holders) {
    const fd = openNamespaceIf(fds === undefined ? namespacePath(pid, 'user') : `/proc/${pid}/fd/${fds.user}`, user)
    if (fd !== undefined) return fd
  }
  for (const pid of insiders) {
    const fd = openNamespaceIf(namespacePath(pid, 'user'), user)
    if (fd !== undefined) return fd
  }
  return undefined
}

/** Opens the mount namespace that is agreed upon. Those inside have others, of one container each. */
export function openMountOf({ mount, holders }: Agreement): number | undefined {
  for (const { pid, fds } of holders) {
    const fd = fds && openNamespaceIf(`/proc/${pid}/fd/${fds.mount}`, mount)
    if (fd !== undefined) return fd
  }
  return undefined
}
