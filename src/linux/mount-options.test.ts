import { expect, test } from 'vitest'
import { parseMountOptions } from './mount-options.ts'

const parse = (type: string, ...options: string[]) => parseMountOptions({ type, target: '/t', options })

test('sorts flags from what the file system is told', () => {
  expect(parse('tmpfs', 'nosuid', 'nodev', 'noexec', 'size=65536k', 'mode=1777')).toEqual({
    flags: 0x2 | 0x4 | 0x8,
    data: 'size=65536k,mode=1777',
    propagation: [],
    bind: false,
  })
})

test('a later option takes back an earlier one', () => {
  expect(parse('tmpfs', 'ro', 'nosuid', 'rw').flags).toBe(0x2)
  expect(parse('tmpfs', 'defaults', '').flags).toBe(0)
})

test('propagation is a call of its own', () => {
  expect(parse('bind', 'rbind', 'ro', 'rslave')).toEqual({
    flags: 0x1000 | 0x4000 | 0x1,
    data: undefined,
    propagation: [0x80000 | 0x4000],
    bind: true,
  })
})

test('a type of bind is a bind mount without an option that says so', () => {
  expect(parse('bind')).toMatchObject({ bind: true, flags: 0x1000 })
})

test('a bind mount refuses what it would ignore', () => {
  expect(() => parse('bind', 'rro')).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
  expect(() => parse('none', 'bind', 'size=1k')).toThrow(/size=1k/)
})
