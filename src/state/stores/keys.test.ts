import { expect, it } from 'vitest'
import { compareKeys } from './keys.ts'

it('compares as UTF-8 does, whatever the planes', () => {
  const units = ['a', '\u007f', '\u0080', '\u07ff', '\u0800', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{1ffff}', '\u{10ffff}']
  const keys = ['', ...units, ...units.flatMap((left) => units.map((right) => left + right))]
  for (const left of keys)
    for (const right of keys)
      expect(Math.sign(compareKeys(left, right)), JSON.stringify([left, right])).toBe(Buffer.compare(Buffer.from(left), Buffer.from(right)))
})
