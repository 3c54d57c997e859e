import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogEntry } from 'libpod-ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { created, sh, started } from '../support/containers.ts'
import { useEngine } from '../support/engine.ts'
import { bytesOf, collect, failure } from '../support/results.ts'

const engine = useEngine()

const textsOf = (entries: readonly LogEntry[]): string[] => entries.map(({ line }) => line)
const descriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length

describe('logs', () => {
  it('gives lines with their stream and a time in nanoseconds', async () => {
    const container = await started(engine, sh('echo out; echo err >&2; printf rest'))
    await container.wait()
    const entries = await collect(container.logs())
    expect(textsOf(entries.filter(({ stream }) => stream === 'stdout'))).toEqual(['out', 'rest'])
    expect(textsOf(entries.filter(({ stream }) => stream === 'stderr'))).toEqual(['err'])
    for (const { time, partial } of entries) {
      expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d)$/)
      expect(partial).toBe(false)
    }
    expect(textsOf(await collect(container.logs({ streams: ['stderr'] })))).toEqual(['err'])
    expect((await bytesOf(container.logs({ raw: true, streams: ['stdout'] }))).toString()).toBe('out\nrest')
  })

  it('gives the last lines only', async () => {
    const container = await started(engine, sh('for i in 1 2 3 4 5; do echo $i; done'))
    await container.wait()
    for (const [tail, lines] of [
      [0, []],
      [2, ['4', '5']],
      [5, ['1', '2', '3', '4', '5']],
      [99, ['1', '2', '3', '4', '5']],
    ] as const)
      expect(textsOf(await collect(container.logs({ tail })))).toEqual(lines)
    expect((await bytesOf(container.logs({ raw: true, tail: 1 }))).toString()).toBe('5\n')
    expect(textsOf(await collect(container.logs({ tail: 1, follow: true })))).toEqual(['5'])
  })

  it('gives what was written in a time', async () => {
    const container = await started(engine, sh('echo early; sleep 0.4; echo middle; sleep 0.4; echo late'))
    await container.wait()
    const [early, middle, late] = (await collect(container.logs())).map(({ time }) => Date.parse(time))
    const between = (a = 0, b = 0): Date => new Date((a + b) / 2)
    const [first, second] = [between(early, middle), between(middle, late)]
    expect(textsOf(await collect(container.logs({ since: first })))).toEqual(['middle', 'late'])
    expect(textsOf(await collect(container.logs({ until: first })))).toEqual(['early'])
    expect(textsOf(await collect(container.logs({ since: first, until: second })))).toEqual(['middle'])
    expect(textsOf(await collect(container.logs({ since: new Date(Date.now() + 60_000) })))).toEqual([])
  })

  it('follows to the end, also of a container that was not started yet', async () => {
    const container = await created(engine, sh('for i in 1 2 3; do echo $i; sleep 0.1; done; printf 4'))
    const following = collect(container.logs({ follow: true }))
    const raw = bytesOf(container.logs({ follow: true, raw: true }))
    await container.start()
    expect(textsOf(await following)).toEqual(['1', '2', '3', '4'])
    expect((await raw).toString()).toBe('1\n2\n3\n4')
    expect(await collect(container.logs({ follow: true }))).toHaveLength(4)
  })

  it('keeps every byte', async () => {
    const all = Array.from({ length: 256 }, (_, byte) => byte)
    const script = `for i in 1 2 3 4; do printf '${all.map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')}'; done`
    const container = await started(engine, sh(script))
    await container.wait()
    const once = Buffer.from(all)
    expect((await bytesOf(container.logs({ raw: true }))).equals(Buffer.concat([once, once, once, once]))).toBe(true)
  })

  it('gives a line of more than 1 MiB in parts', async () => {
    const bytes = 2_500_000
    const container = await started(engine, sh(`yes | tr -d '\\n' | head -c ${bytes}; echo; echo next`))
    await container.wait()
    const entries = await collect(container.logs())
    const parts = entries.slice(0, -1)
    expect(parts.length).toBeGreaterThan(2)
    expect(textsOf(parts).join('')).toBe('y'.repeat(bytes))
    expect(parts.map(({ partial }) => partial)).toEqual([...parts.slice(1).map(() => true), false])
    expect(entries.at(-1)).toMatchObject({ line: 'next', partial: false })
    expect(textsOf(await collect(container.logs({ tail: 1 })))).toEqual(['next'])
    expect((await bytesOf(container.logs({ raw: true }))).length).toBe(bytes + 6)
  })

  it('goes on behind a rotation by somebody else, and ends when the container is removed', async () => {
    const container = await started(engine, sh('echo one; while [ ! -e /go ]; do sleep 0.05; done; echo two; sleep 600'))
    const { logPath } = await container.inspect()
    const following = container.logs({ follow: true })[Symbol.asyncIterator]()
    expect((await following.next()).value).toMatchObject({ line: 'one' })
    await rename(logPath, `${logPath}.1`)
    await container.exec(['touch', '/go'])
    // The monitor goes on in the file it has open: what it wrote is not lost, however it was renamed.
    await expect.poll(() => readFile(`${logPath}.1`, 'utf8')).toContain('two')
    const next = following.next()
    await container.remove({ force: true })
    expect((await next).value ?? { line: 'two' }).toMatchObject({ line: 'two' })
    expect((await following.next()).done).toBe(true)
    await rm(`${logPath}.1`, { force: true })
  })

  it('begins anew when it is larger than it may be', async () => {
    const maxSizeBytes = 16_384
    const container = await started(engine, sh('i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done'), {
      log: { maxSizeBytes },
    })
    const followed = await collect(container.logs({ follow: true }))
    await container.wait()
    expect(followed.at(-1)?.line).toBe('line 2999')
    const { logPath } = await container.inspect()
    expect((await readFile(logPath)).length).toBeLessThanOrEqual(maxSizeBytes)
    const left = textsOf(await collect(container.logs()))
    expect(left.at(-1)).toBe('line 2999')
    expect(left.length).toBeLessThan(3000)
  })

  it('is not kept by the driver none, and says what to do', async () => {
    const container = await started(engine, sh('echo lost'), { log: { driver: 'none' } })
    await container.wait()
    for (const reading of [collect(container.logs()), bytesOf(container.logs({ raw: true }))]) {
      const error = await failure(reading)
      expect(error.code).toBe('unsupported')
      expect(error.hint).toContain('k8s-file')
    }
    await container.remove()
  })

  it('in a place of their own choice are left alone by the removal of who had it before', async () => {
    const path = `${engine.root}/again.log`
    const before = await started(engine, sh('echo before'), { log: { path } })
    await before.wait()
    await before.remove()
    const container = await started(engine, sh('echo after; sleep 0.2; echo later'), { log: { path } })
    await container.wait()
    expect(textsOf(await collect(container.logs()))).toEqual(['after', 'later'])
    await container.remove()
    await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('lies where it was asked for, and goes with its container', async () => {
    const path = `${engine.root}/elsewhere/ctr.log`
    const container = await started(engine, sh('echo here'), { log: { driver: 'json-file', path } })
    await container.wait()
    expect(await readFile(path, 'utf8')).toMatch(/^\S+ stdout F here\n$/)
    await container.remove()
    await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('who reads a log', () => {
  it('can stop: an abort gives its reason, break gives nothing, and neither leaves anything open', async () => {
    const container = await started(engine, sh('echo here; sleep 600'))
    const before = await descriptors()
    const abort = new AbortController()
    const reason = new Error('enough')
    const following = [
      expect(collect(container.logs({ follow: true, signal: abort.signal }))).rejects.toBe(reason),
      expect(bytesOf(container.logs({ follow: true, raw: true, signal: abort.signal }))).rejects.toBe(reason),
    ]
    setTimeout(() => abort.abort(reason), 100)
    await Promise.all(following)
    for (let i = 0; i < 20; i++) for await (const { line } of container.logs({ follow: true })) if (line === 'here') break
    for await (const _ of container.logs({ follow: true, raw: true })) break
    // Each of those above had several; the engine itself may have opened one or two meanwhile.
    await expect.poll(descriptors, { timeout: 5000 }).toBeLessThan(before + 5)
    await expect(collect(container.logs({ signal: abort.signal }))).rejects.toBe(reason)
    await container.remove({ force: true })
  })

  it('is told when there is no container', async () => {
    const gone = engine.runtime.containers.ref('0'.repeat(64))
    expect((await failure(collect(gone.logs()))).code).toBe('not-found')
    expect((await failure(bytesOf(gone.logs({ raw: true })))).code).toBe('not-found')
  })

  it('comes to a normal end when the runtime closes', async () => {
    const container = await started(engine, sh('echo here; sleep 600'))
    const other = await engine.open()
    const seen: string[] = []
    const following = (async () => {
      for await (const { line } of (await other.containers.get(container.id)).logs({ follow: true })) seen.push(line)
    })()
    await expect.poll(() => seen).toEqual(['here'])
    await other.close()
    await following
    await container.remove({ force: true })
  })

  it('is refused what cannot be', async () => {
    const container = await created(engine, ['true'])
    const cases = [
      [{ tail: -1 }, 'tail'],
      [{ tail: 1.5 }, 'tail'],
      [{ tail: Number.NaN }, 'tail'],
      [{ since: new Date('never') }, 'since'],
      [{ until: 'yesterday' as never }, 'until'],
      [{ streams: ['stdin'] as never }, 'streams[0]'],
      [{ follow: 'yes' as never }, 'follow'],
      [{ tails: 3 } as never, 'tails'],
    ] as const
    for (const [options, path] of cases)
      expect(await failure(collect(container.logs(options)))).toMatchObject({ code: 'invalid-argument', details: { path } })
  })
})

describe('a log in a place of the caller', () => {
  let place = ''
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), 'libpod-ts-'))
  })
  afterEach(() => rm(place, { recursive: true }))

  const refusal = { code: 'invalid-argument', details: { path: 'log.path' }, hint: expect.stringMatching(/./) }
  const refused = async (log: object, expected: object): Promise<void> => {
    const container = await created(engine, ['true'], { log })
    expect(await failure(container.start())).toMatchObject(expected)
    await container.remove()
  }

  it('goes with the container that made it, and stays if it was there before', async () => {
    const [old, fresh] = [join(place, 'old'), join(place, 'fresh')] as const
    await writeFile(old, 'mine\n')
    await (await created(engine, ['true'], { log: { path: old } })).remove()
    expect(await readFile(old, 'utf8')).toBe('mine\n')
    for (const path of [old, fresh]) {
      const ran = await started(engine, sh('echo said'), { log: { path } })
      await ran.wait()
      await ran.restart()
      await ran.wait()
      expect(textsOf(await collect(ran.logs())).filter((text) => text === 'said')).toHaveLength(2)
      await ran.remove()
    }
    expect(await readFile(old, 'utf8')).toMatch(/^mine\n(.* said\n){2}$/)
    expect(await readdir(place)).toEqual(['old'])
  })

  it('is not left by a start that fails, nor made where nothing is logged', async () => {
    const path = join(place, 'log')
    const failing = await created(engine, ['/no/such/program'], { log: { path } })
    expect((await failure(failing.start())).code).toBe('command-failed')
    await failing.remove()
    const silent = await started(engine, ['true'], { log: { driver: 'none', path: join(path, 'below') } })
    await silent.wait()
    await silent.remove()
    expect(await readdir(place)).toEqual([])
  })

  it('is refused where none can be', async () => {
    const path = join(place, 'log')
    await writeFile(path, '')
    await refused({ path: join(path, 'below/log') }, refusal)
    const nowhere = await created(engine, ['true'], { log: { path: join(path, 'below/log') } })
    expect(await failure(collect(nowhere.logs({ follow: true })))).toMatchObject(refusal)
    await nowhere.remove()
    await refused({ path: '/proc/x/y/log' }, refusal)
    await refused({ path: '/proc/log' }, refusal)
    await refused({ path: join(place, 'n'.repeat(300)) }, refusal)
    if (process.geteuid?.() === 0) await refused({ path: '/sys/log' }, { code: 'permission-denied', details: { what: '/sys/log' } })
  })

  it('is neither read nor removed where it is no file', async () => {
    const folder = await created(engine, ['true'], { log: { path: place } })
    expect(await failure(folder.start())).toMatchObject(refusal)
    expect(await collect(folder.logs())).toEqual([])
    await folder.remove()
    // As /dev/null, which is not tried, lest it be missed.
    const fifo = join(place, 'fifo')
    execFileSync('mkfifo', [fifo])
    await refused({ path: fifo, maxSizeBytes: 8192 }, refusal)
    const reader = spawn('cat', [fifo])
    const heard = bytesOf(reader.stdout)
    const container = await started(engine, sh('echo piped'), { log: { path: fifo } })
    await container.wait()
    expect((await heard).toString()).toMatch(/ stdout F piped\n$/)
    expect(await collect(container.logs())).toEqual([])
    await container.remove()
    expect(await readdir(place)).toEqual(['fifo'])
  })

  it('is not begun anew over a file that somebody has beside it', async () => {
    const path = join(place, 'log')
    await writeFile(`${path}.tmp`, 'mine')
    await refused({ path, maxSizeBytes: 8192 }, refusal)
    const container = await started(engine, ['true'], { log: { path } })
    await container.wait()
    await container.remove()
    expect(await readFile(`${path}.tmp`, 'utf8')).toBe('mine')
  })
})
