import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { spreadFolders } from './inode-flags.ts'

let directory: string
let mounted: string

beforeAll(() => {
  directory = mkdtempSync('/dev/shm/libpod-ts-flags-')
  mounted = join(directory, 'mounted')
  mkdirSync(mounted)
  const image = join(directory, 'ext4')
  execFileSync('truncate', ['--size', '64M', image])
  execFileSync('mkfs.ext4', ['-q', '-O', '^has_journal', image])
  execFileSync('mount', ['-o', 'loop', image, mounted])
})

afterAll(() => {
  execFileSync('umount', [mounted])
  rmSync(directory, { recursive: true })
})

const flagsOf = (path: string): string => execFileSync('lsattr', ['-d', path], { encoding: 'utf8' }).split(' ')[0] ?? ''

test('ext4 is told that folders have nothing to do with each other, and what else it knows of them stays', () => {
  const folder = join(mounted, 'folder')
  mkdirSync(folder)
  execFileSync('chattr', ['+d', folder])
  spreadFolders(folder)
  spreadFolders(folder)
  expect(flagsOf(folder)).toMatch(/^(?=.*T)(?=.*d)/)
  mkdirSync(join(folder, 'one'))
  expect(flagsOf(join(folder, 'one'))).not.toContain('T')
})

test('where there are no such flags, or no folder, nothing happens', () => {
  const file = join(mounted, 'file')
  writeFileSync(file, '')
  for (const path of [directory, file, join(mounted, 'missing'), '/proc/self']) expect(() => spreadFolders(path)).not.toThrow()
  expect(flagsOf(file)).not.toContain('T')
  expect(statSync(directory).isDirectory()).toBe(true)
})
