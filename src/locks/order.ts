import { LibpodError } from '../base/errors.ts'

/** The kinds of locks in the order they may be taken in. */
export const lockKinds = ['pod', 'container', 'network', 'volume', 'blob'] as const

/**
 * Throws if `key` may not be taken by one who holds `held`: two who take locks in different orders can wait for each
 * other for ever. Within a kind, ids ascend. Kinds that are not in the list are taken alone.
 */
export function assertLockOrder(key: string, held: readonly string[]): void {
  for (const other of held) {
    if (isBefore(other, key)) continue
    throw new LibpodError('internal', `The lock ${key} was asked for by a holder of ${other}.`, { what: key }, { hint: orderHint })
  }
}

const orderHint = `Locks are taken in the order ${lockKinds.join(', ')}, ids of one kind ascending.`

function isBefore(held: string, key: string): boolean {
  const [heldKind, heldId] = split(held)
  const [kind, id] = split(key)
  const heldRank = rankOf(heldKind)
  const rank = rankOf(kind)
  if (heldRank === -1 || rank === -1) return false
  return heldRank === rank ? heldId < id : heldRank < rank
}

function rankOf(kind: string): number {
  return (lockKinds as readonly string[]).indexOf(kind)
}

function split(key: string): readonly [kind: string, id: string] {
  const at = key.indexOf('/')
  return at < 0 ? [key, ''] : [key.slice(0, at), key.slice(at + 1)]
}
