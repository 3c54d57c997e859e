import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseIdMap } from './process-details.ts'
import { defaultProcessFields, formatDuration, formatTty, parseProcessFields, processFields, processTable } from './process-table.ts'

test('shows by default what podman top shows', async () => {
  const { titles, processes } = await processTable([process.pid])
  expect(titles).toEqual(['USER', 'PID', 'PPID', '%CPU', 'ELAPSED', 'TTY', 'TIME', 'COMMAND'])
  expect(processes).toHaveLength(1)
  expect(processes[0]?.slice(0, 2)).toEqual(['root', String(process.pid)])
  expect(processes[0]?.[3]).toMatch(/^\d+\.\d{3}$/)
  expect(processes[0]?.[4]).toMatch(/^(\d+m)?[\d.]+s$/)
})

test('leaves out what has ended, and every column has a value', async () => {
  const { titles, processes } = await processTable([process.pid, 0x3fffff], processFields)
  expect(titles).toHaveLength(processFields.length)
  expect(processes).toHaveLength(1)
  const row = Object.fromEntries(processFields.map((field, index) => [field, processes[0]?.[index]]))
  expect(row).toMatchObject({ hpid: String(process.pid), huser: 'root', capinh: 'none', seccomp: 'disabled', nice: '0', ppid: '0' })
  expect(row['capeff']).toContain('SYS_ADMIN')
  expect(Number(row['rss'])).toBeGreaterThan(1000)
})

test('shows pids, parents, ids and names as inside, and the host’s when asked', async () => {
  const root = mkdtempSync(join(tmpdir(), 'libpod-ts-top-'))
  mkdirSync(join(root, 'etc'))
  mkdirSync(join(root, 'bin'))
  execFileSync('cp', ['/bin/busybox', join(root, 'bin/sh')])
  writeFileSync(join(root, 'etc/passwd'), 'boss:x:0:0::/:/bin/sh\n')
  // Absolute links in a strange root must not lead out of it.
  execFileSync('ln', ['-s', '/etc/ours', join(root, 'etc/group')])
  writeFileSync(join(root, 'etc/ours'), 'bosses:x:0:\n')
  const user = ['--reuid=100000', '--regid=100000', '--clear-groups']
  const unshare = ['unshare', '--user', '--map-root-user', '--pid', '--fork', '--kill-child', `--root=${root}`]
  execFileSync('chown', ['-R', '100000:100000', root])
  const child = spawn('setpriv', [...user, ...unshare, '/bin/sh', '-c', 'sh -c "echo ready; read x"; true'])
  try {
    await once(child.stdout, 'data')
    const inner = execFileSync('pgrep', ['-P', String(child.pid)])
      .toString()
      .trim()
    const innermost = execFileSync('pgrep', ['-P', inner]).toString().trim()
    const fields = ['pid', 'ppid', 'user', 'group', 'huser', 'hpid', 'args'] as const
    const { processes } = await processTable([Number(inner), Number(innermost)], fields)
    expect(processes[0]).toEqual(['1', '0', 'boss', 'bosses', '100000', inner, '/bin/sh -c sh -c "echo ready; read x"; true'])
    expect(processes[1]?.slice(1, 6)).toEqual(['1', 'boss', 'bosses', '100000', innermost])
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
    rmSync(root, { recursive: true })
  }
})

test('times are written as Go writes durations', () => {
  expect([0, 40, 1500, 61_230, 3_600_000].map(formatDuration)).toEqual(['0s', '0.04s', '1.5s', '1m1.23s', '1h0m0s'])
})

test('terminals by their device number', () => {
  expect([0, 0x8803, 0x401, 0x501].map(formatTty)).toEqual(['?', 'pts/3', 'tty1', '5:1'])
})

test('ids are turned by the map, and those without a place are nobody', () => {
  const map = parseIdMap('         0     100000         10\n        10          5          1\n')
  expect([100000, 100009, 5, 100010, 0].map(map)).toEqual([0, 9, 10, 65534, 65534])
})

test('columns are checked by name', () => {
  expect(parseProcessFields(['PID', 'user'])).toEqual(['pid', 'user'])
  expect(() => parseProcessFields(['pid', 'wrong'])).toThrow(
    expect.objectContaining({ code: 'invalid-argument', details: { path: 'fields[1]', value: 'wrong' } }),
  )
  expect(defaultProcessFields.every((field) => processFields.includes(field))).toBe(true)
})
