import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { hostFacts, parseOsRelease } from './host-facts.ts'

test('says of this machine what its own programs say', async () => {
  const facts = await hostFacts()
  expect(facts.kernel).toBe(execFileSync('uname', ['-r']).toString().trim())
  expect(facts.arch).toBe({ x86_64: 'amd64', aarch64: 'arm64' }[execFileSync('uname', ['-m']).toString().trim()])
  expect(facts.rootless).toBe(false)
  expect(facts.inUserNamespace).toBe(false)
  expect(facts.distribution.id).toMatch(/^[a-z0-9._-]+$/)
  expect(facts.memoryBytes).toBeGreaterThan(1e8)
  expect(facts.cpus).toBeGreaterThan(0)
})

test('reads os-release with and without quotes', () => {
  const values = parseOsRelease(`# comment\nNAME="A \\"B\\" \\$C"\nID=debian\nVERSION_ID='12'\n\nbad line\n`)
  expect(Object.fromEntries(values)).toEqual({ NAME: 'A "B" $C', ID: 'debian', VERSION_ID: '12' })
})
