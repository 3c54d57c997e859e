import { closeSync, fstatSync, openSync, statfsSync } from 'node:fs'
import { AsyncQueue } from '../../base/async-queue.ts'
import type { Helper } from '../helper/helper.ts'
import { NSFS_MAGIC } from '../namespace-file.ts'
import { isSameProcessSync, namespacePath } from '../proc.ts'
import type { NamespaceParams } from './namespace-operations.ts'

/** A network namespace that this process keeps. */
export interface HeldNamespace {
  /** Its file, as every program of this host can open it, but for those inside of a user namespace. */
  readonly path: string
  /** The descriptor by which this process keeps it. */
  readonly fd: number
  /** Lets go of it; it ends when nobody else has it. Idempotent. */
  close(): void
}

/** Makes a network namespace, with these links in it, and keeps it. */
export async function makeNamespace(helper: Helper, links: readonly string[] = []): Promise<HeldNamespace> {
  const taken = new AsyncQueue<unknown>()
  let held: HeldNamespace | undefined
  try {
    await helper.call<void>('network.namespace', { links } satisfies NamespaceParams, {
      messages: taken,
      onMessage(message) {
        try {
          held = holdNamespace((message as { readonly path: string }).path)
        } finally {
          taken.end()
        }
      },
    })
  } catch (error) {
    held?.close()
    throw error
  }
  if (held === undefined) throw new Error('The helper process made no network namespace.')
  return held
}

/** Keeps the network namespace that a file stands for; `undefined` when there is none. */
export function holdNamespace(path: string): HeldNamespace | undefined {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch {
    return undefined
  }
  // Where nothing is mounted lies an empty file; and never the namespace of this host.
  if (statfsSync(`/proc/self/fd/${fd}`).type !== NSFS_MAGIC || isOurs(fd)) {
    closeSync(fd)
    return undefined
  }
  return heldAt(fd)
}

/** Takes a descriptor over. */
export function heldAt(fd: number): HeldNamespace {
  let open = true
  return {
    path: `/proc/${process.pid}/fd/${fd}`,
    fd,
    close() {
      if (open) closeSync(fd)
      open = false
    },
  }
}

/** Keeps the network namespace of a process. */
export function holdNamespaceOf({ pid, startTime }: { readonly pid: number; readonly startTime: string }): HeldNamespace | undefined {
  const held = holdNamespace(namespacePath(pid, 'net'))
  // Looked at afterwards: then it was this process that was opened.
  if (isSameProcessSync({ pid, startTime })) return held
  held?.close()
  return undefined
}

function isOurs(fd: number): boolean {
  const ours = openSync(namespacePath('self', 'net'), 'r')
  try {
    return fstatSync(ours).ino === fstatSync(fd).ino
  } finally {
    closeSync(ours)
  }
}
