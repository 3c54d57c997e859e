import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { isLibpodError } from 'libpod-ts'
import { describe, expect, it } from 'vitest'
import { created, sh, started } from '../support/containers.ts'
import { useEngine } from '../support/engine.ts'
import { bytesOf, collect, failure } from '../support/results.ts'

const engine = useEngine()

describe('attach', () => {
  it('carries stdin in and both streams out, byte for byte', async () => {
    const container = await created(engine, sh('cat; echo end >&2; exit 6'), { stdin: true })
    await container.init()
    await using session = await container.attach({ stdin: true })
    const [stdout, stderr] = [bytesOf(session.stdout), bytesOf(session.stderr)]
    await container.start()
    const input = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) % 256))
    session.stdin?.end(input)
    expect((await stdout).equals(input)).toBe(true)
    expect((await stderr).toString()).toBe('end\n')
    expect((await container.wait()).exitCode).toBe(6)
  })

  it('gives a terminal, and resizes it', async () => {
    const container = await created(engine, sh('tty; trap "stty size; exit 3" WINCH; echo ready; while :; do sleep 0.05; done'), {
      tty: true,
    })
    await container.init()
    await using session = await container.attach({ stdin: true })
    let heard = ''
    session.stdout.on('data', (chunk) => (heard += String(chunk)))
    await container.start()
    await expect.poll(() => heard).toMatch(/\/dev\/(pts\/\d+|console)\r\nready/)
    await session.resize({ rows: 55, columns: 123 })
    await expect.poll(() => heard).toContain('55 123')
    expect((await container.wait()).exitCode).toBe(3)
  })

  it('types into a terminal', async () => {
    const container = await created(engine, ['sh'], { tty: true, stdin: true })
    await container.start()
    const session = await container.attach({ stdin: true })
    const heard = bytesOf(session.stdout)
    session.stdin?.write('echo $((6 * 7)); exit 4\n')
    expect((await container.wait()).exitCode).toBe(4)
    expect((await heard).toString()).toContain('42\r\n')
  })

  it('serves two readers, and closing one disturbs nobody', async () => {
    const container = await started(engine, sh('i=0; while [ ! -e /stop ]; do echo $i; i=$((i+1)); sleep 0.02; done'))
    const first = await container.attach()
    const second = await container.attach()
    const all = bytesOf(second.stdout)
    const [begin] = (await once(first.stdout, 'data')) as [Buffer]
    await first.close()
    await first.close()
    expect((await container.inspect()).status).toBe('running')
    await container.waitUntil({ log: `${Number.parseInt(begin.toString(), 10) + 10}` })
    await container.exec(['touch', '/stop'])
    await container.wait()
    const numbers = (await all).toString().trim().split('\n').map(Number)
    expect(numbers.length).toBeGreaterThan(5)
    expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] ?? 0) + i))
  })

  it('ends the streams with the container, and an abort with its reason; the container goes on', async () => {
    const container = await started(engine, ['sleep', '600'])
    const abort = new AbortController()
    const session = await container.attach({ signal: abort.signal })
    const reading = bytesOf(session.stdout)
    const reason = new Error('enough')
    abort.abort(reason)
    await expect(reading).rejects.toBe(reason)
    await expect(container.attach({ signal: abort.signal })).rejects.toBe(reason)
    const other = await container.attach()
    const rest = Promise.all([bytesOf(other.stdout), bytesOf(other.stderr)])
    expect((await container.inspect()).status).toBe('running')
    await container.kill()
    expect((await rest).map(({ length }) => length)).toEqual([0, 0])
  })

  it('ends normally when the runtime closes', async () => {
    const container = await started(engine, ['sleep', '600'])
    const other = await engine.open()
    const session = await other.containers.ref(container.id).attach()
    const reading = bytesOf(session.stdout)
    await other.close()
    expect((await reading).length).toBe(0)
    await container.remove({ force: true })
  })

  it('is refused on a container that has no stdio', async () => {
    const container = await created(engine, ['true'])
    expect(await failure(container.attach())).toMatchObject({ code: 'invalid-state', details: { state: 'created', verb: 'attach' } })
    await container.start()
    await container.wait()
    const error = await failure(container.attach())
    expect(error).toMatchObject({ code: 'invalid-state', details: { state: 'exited' } })
    expect(error.hint).toContain('init()')
    expect(await failure(container.attach({ stdin: 1 as never }))).toMatchObject({ code: 'invalid-argument', details: { path: 'stdin' } })
  })

  it('is refused a stdin or a terminal that the container does not have', async () => {
    const container = await started(engine, ['sleep', '600'])
    expect(await failure(container.attach({ stdin: true }))).toMatchObject({ code: 'invalid-argument', details: { path: 'stdin' } })
    await using session = await container.attach()
    await using exec = await container.spawn(['sleep', '600'])
    for (const { resize } of [session, exec])
      expect(await failure(resize({ rows: 10, columns: 10 }))).toMatchObject({ code: 'unsupported', hint: expect.stringContaining('tty') })
    await container.remove({ force: true })
  })
})

describe('a slow reader', () => {
  it('is dropped, and the container goes on', async () => {
    const container = await started(engine, sh('yes | head -c 20000000; echo done >&2'))
    const session = await container.attach()
    const error = await new Promise((resolve) => session.stdout.once('error', resolve))
    expect(error).toSatisfy((given) => isLibpodError(given, 'slow-consumer') && given.details.bufferedBytes > 1024 * 1024)
    expect(String(error)).toContain('backpressure')
    expect((await container.wait()).exitCode).toBe(0)
  })

  it('misses nothing when it asks for backpressure', async () => {
    const bytes = 8_000_000
    const container = await created(engine, sh(`yes | head -c ${bytes}`))
    await container.init()
    const session = await container.attach({ backpressure: true })
    session.stderr.resume()
    await container.start()
    await pause(300)
    expect((await container.inspect()).status).toBe('running')
    let heard = 0
    for (const chunk of await collect(session.stdout)) heard += (chunk as Buffer).length
    expect(heard).toBe(bytes)
    expect((await container.wait()).exitCode).toBe(0)
  })
})
