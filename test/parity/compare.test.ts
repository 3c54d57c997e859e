import { expect, it } from 'vitest'
import { type Difference, differencesOf, judge } from './compare.ts'
import type { MeantDifference } from './differences.ts'

const idOf = (digit: string): string => digit.repeat(64)

const differences = (podman: object, ours: object): Difference[] =>
  differencesOf('some', { id: idOf('a'), config: podman }, { id: idOf('b'), config: ours })

const judged = (meant: MeantDifference[], facts: Parameters<typeof judge>[0]['facts'] = new Set()): string[] =>
  judge({
    found: differences({ hostname: 'a', root: { path: '/x' } }, { hostname: 'b', root: { path: '/x' } }),
    meant,
    cases: ['some'],
    facts,
  })

it('a difference that nobody named is a problem, and a named one is none', () => {
  expect(judged([])).toEqual(['some: hostname: Podman has "a", we have "b"'])
  expect(judged([{ path: 'hostname', why: '' }])).toEqual([])
  expect(judged([{ path: '*', why: '' }])).toEqual([])
  expect(judged([{ path: 'hostname', why: '', except: ['some'] }])).toHaveLength(1)
  expect(judged([{ path: 'hostname', why: '', where: ['crun'] }])).toHaveLength(1)
})

it('a named difference that is no more is a problem', () => {
  const named = { path: 'hostname', why: '' }
  expect(judged([named, { path: 'root path', why: 'so' }])).toEqual(['some: root path: named as a difference, but there is none ("so")'])
  expect(judged([named, { path: 'root path', why: 'so', cases: ['other'] }])).toEqual([
    'other: root path: named as a difference, but there is none ("so")',
  ])
  expect(judged([named, { path: 'root path', why: 'so', where: ['crun'] }])).toEqual([])
  expect(judged([named, { path: 'root path', why: 'so', where: ['crun'] }], new Set(['crun']))).toHaveLength(1)
})

it('ids are the same, and lists without an order too', () => {
  expect(differences({ a: `/${idOf('a')}/x`, hostname: 'a'.repeat(12) }, { a: `/${idOf('b')}/x`, hostname: 'b'.repeat(12) })).toEqual([])
  const mount = (destination: string, ...options: string[]) => ({ destination, options })
  expect(differences({ mounts: [mount('/a', 'ro', 'bind'), mount('/b')] }, { mounts: [mount('/b'), mount('/a', 'bind', 'ro')] })).toEqual(
    [],
  )
  expect(differences({ mounts: [mount('/a')] }, { mounts: [mount('/a', 'ro')] })).toMatchObject([{ path: 'mounts /a options' }])
  expect(differences({ process: { env: ['A=1=2', 'B='] } }, { process: { env: ['B=', 'A=1=3'] } })).toMatchObject([
    { path: 'process env A', podman: '"1=2"', ours: '"1=3"' },
  ])
})

it('lists with an order are not', () => {
  const rules = (...access: string[]) => ({ linux: { resources: { devices: access.map((letters) => ({ access: letters })) } } })
  expect(differences(rules('r', 'w'), rules('w', 'r'))).toMatchObject([{ path: 'linux resources devices' }])
})

it('filters are compared by system call, not by rule', () => {
  const seccomp = (...syscalls: object[]) => ({ linux: { seccomp: { syscalls } } })
  const rule = (action: string, ...names: string[]) => ({ names, action })
  const grouped = seccomp(rule('ALLOW', 'read', 'write'), rule('ERRNO', 'reboot'))
  expect(differences(grouped, seccomp(rule('ERRNO', 'reboot'), rule('ALLOW', 'write'), rule('ALLOW', 'read')))).toEqual([])
  expect(differences(grouped, seccomp(rule('ALLOW', 'read', 'write', 'reboot')))).toMatchObject([
    { path: 'linux seccomp syscalls reboot', podman: '["ERRNO"]', ours: '["ALLOW"]' },
  ])
  const clone = (value: number) => ({ ...rule('ALLOW', 'clone'), args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }] })
  expect(differences(seccomp(clone(1)), seccomp(clone(2)))).toHaveLength(2)
})
