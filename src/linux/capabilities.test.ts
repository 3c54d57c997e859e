import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  boundingSet,
  capabilityNames,
  effectiveSet,
  parseCapabilities,
  parseCapability,
  shortCapability,
  sortCapabilities,
} from './capabilities.ts'

test('the table ends where the kernel’s does', () => {
  expect(capabilityNames).toHaveLength(Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8')) + 1)
})

test('reads the sets of this process as capsh does', async () => {
  const mask = /CapBnd:\s*(\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  const bounding = await boundingSet()
  const back = bounding.reduce((bits, name) => bits | (1n << BigInt(capabilityNames.indexOf(name))), 0n)
  expect(back).toBe(BigInt(`0x${mask}`))
  expect(await effectiveSet()).toContain('CAP_SYS_ADMIN')
})

test('a process with fewer shows fewer', () => {
  const status = execFileSync('setpriv', ['--bounding-set', '-all,+chown,+kill', 'cat', '/proc/self/status']).toString()
  expect(parseCapabilities(status).bounding).toEqual(['CAP_CHOWN', 'CAP_KILL'])
  expect(parseCapabilities(status).ambient).toEqual([])
})

test('bits of capabilities to come are passed over', () => {
  expect(parseCapabilities('CapEff:\tffffffffffffffff\n').effective).toEqual(capabilityNames)
})

test('names come in many forms', () => {
  expect(['CAP_CHOWN', 'chown', 'cap_Chown'].map((text) => parseCapability(text, 'capAdd'))).toEqual([
    'CAP_CHOWN',
    'CAP_CHOWN',
    'CAP_CHOWN',
  ])
  expect(parseCapability('all', 'capAdd')).toBe('ALL')
  expect(shortCapability('CAP_SYS_PTRACE')).toBe('SYS_PTRACE')
  expect(() => parseCapability('CAP_FLY', 'capAdd[1]')).toThrow(
    expect.objectContaining({ code: 'invalid-argument', details: { path: 'capAdd[1]', value: 'CAP_FLY' } }),
  )
})

test('sorts by the kernel’s order, each once', () => {
  expect(sortCapabilities(['CAP_KILL', 'CAP_CHOWN', 'CAP_KILL'])).toEqual(['CAP_CHOWN', 'CAP_KILL'])
})
