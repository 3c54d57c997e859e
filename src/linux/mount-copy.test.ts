import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { processStartTimeSync } from './proc.ts'

const directory = mkdtempSync(join(tmpdir(), 'libpod-ts-copy-'))
afterAll(() => rmSync(directory, { recursive: true }))

const rooms = ['mount-copy', 'namespaces'].map((name) => new URL(`./${name}.ts`, import.meta.url).href)

/** Runs a script as a helper process would run: on its own main thread. */
function run(body: string): { out: unknown; stderr: string } {
  const script = `
    import { copyMountOf, placeMount } from ${JSON.stringify(rooms[0])}
    import { inNewMountNamespace, prepareNamespaces } from ${JSON.stringify(rooms[1])}
    import fs from 'node:fs'
    await prepareNamespaces()
    ${body}`
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { encoding: 'utf8' })
  return { out: stdout === '' ? undefined : JSON.parse(stdout), stderr }
}

test('a mount of another mount namespace is put into a new one, and nowhere else', async () => {
  const owner = spawn('unshare', [
    '-m',
    'sh',
    '-c',
    `mount -t tmpfs mark ${directory} && echo theirs > ${directory}/file && echo up && exec sleep 100`,
  ])
  try {
    await once(owner.stdout, 'data')
    const pid = owner.pid ?? 0
    const identity = JSON.stringify({ pid, startTime: processStartTimeSync(pid) })
    const { out, stderr } = run(`
      const fd = copyMountOf(${identity}, ${JSON.stringify(directory)})
      const inside = inNewMountNamespace(() => {
        placeMount(fd, ${JSON.stringify(directory)})
        fs.writeFileSync(${JSON.stringify(join(directory, 'mine'))}, 'mine')
        return fs.readFileSync(${JSON.stringify(join(directory, 'file'))}, 'utf8')
      })
      fs.closeSync(fd)
      let refused
      try {
        copyMountOf({ ...${identity}, startTime: '1' }, '/')
      } catch (error) {
        refused = error.code
      }
      fs.writeSync(1, JSON.stringify({ inside, outside: fs.readdirSync(${JSON.stringify(directory)}), refused }))`)
    expect(stderr).toBe('')
    expect(out).toEqual({ inside: 'theirs\n', outside: [], refused: 'not-found' })
    expect(spawnSync('nsenter', [`--mount=/proc/${pid}/ns/mnt`, 'ls', directory], { encoding: 'utf8' }).stdout).toBe('file\nmine\n')
  } finally {
    owner.kill('SIGKILL')
    await once(owner, 'close')
  }
})
