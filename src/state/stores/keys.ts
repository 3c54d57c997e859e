import { LibpodError } from '../../base/errors.ts'
import type { StateChange } from '../state-store.ts'

/** The longest key, in bytes of UTF-8. */
export const maxKeyBytes = 400

/** Compares two keys by their UTF-8 bytes. UTF-16 sorts the code points above U+FFFF too low; nothing else differs. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at)
    const right = b.charCodeAt(at)
    if (left === right) continue
    if (left >= 0xd800 && right >= 0xd800) return rank(left) - rank(right)
    return left - right
  }
  return a.length - b.length
}

/** Moves the surrogates behind the rest of the basic plane, where UTF-8 has them. */
function rank(unit: number): number {
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}

/** Refuses what no store could keep faithfully: an empty or too long key, or half a surrogate pair. */
export function checkKey(key: string): void {
  const problem = keyProblem(key)
  if (problem === undefined) return
  throw new LibpodError('invalid-argument', `The key ${JSON.stringify(key.slice(0, 80))} ${problem}.`, { path: 'key', value: key })
}

function keyProblem(key: string): string | undefined {
  if (key === '') return 'is empty'
  if (key.length > maxKeyBytes || (key.length * 3 > maxKeyBytes && Buffer.byteLength(key) > maxKeyBytes))
    return `is longer than ${maxKeyBytes} bytes`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: plain ASCII is the fast path
  if (!/^[\x00-\x7f]*$/.test(key) && Buffer.from(key).toString() !== key) return 'is not well-formed Unicode'
  return undefined
}

/** Refuses a change that names a key twice among its writes, or one that could not be kept. */
export function checkChange({ checks = [], puts = [], deletes = [] }: StateChange): void {
  const written = new Set<string>()
  for (const key of [...puts.map((put) => put.key), ...deletes]) {
    checkKey(key)
    if (written.has(key))
      throw new LibpodError('invalid-argument', `The key ${JSON.stringify(key)} stands twice among the writes of one commit.`, {
        path: 'puts',
        value: key,
      })
    written.add(key)
  }
  for (const check of checks) if ('key' in check) checkKey(check.key)
}
