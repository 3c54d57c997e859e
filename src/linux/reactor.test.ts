import { execFileSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { libc } from './native/libc.ts'
import { makePipe } from './pipe.ts'
import { reactor, type Watch } from './reactor.ts'

const turns = (count = 5): Promise<void> =>
  new Promise((resolve) => {
    const turn = (left: number): void => void (left === 0 ? resolve() : setTimeout(turn, 2, left - 1))
    turn(count)
  })
const byte = Buffer.alloc(1)
const loopTurns = (): number => performance.nodeTiming.uvMetricsInfo.loopCount

describe('the reactor', () => {
  const watches: Watch[] = []
  const fds = new Set<number>()
  const pipe = (): { read: number; write: number } => {
    const { read, write } = makePipe({ nonblockRead: true, nonblockWrite: true })
    fds.add(read).add(write)
    return { read, write }
  }
  const close = (fd: number): void => {
    fds.delete(fd)
    libc().close(fd)
  }
  const watch = (...args: Parameters<ReturnType<typeof reactor>['watch']>): Watch => {
    const made = reactor().watch(...args)
    watches.push(made)
    return made
  }
  afterEach(() => {
    for (const each of watches.splice(0)) each.close()
    for (const fd of [...fds]) close(fd)
  })

  it('tells again and again while a descriptor is ready, and nothing while it is not', async () => {
    const { read, write } = pipe()
    let told = 0
    watch(read, 'read', ({ readable, writable }) => {
      expect([readable, writable]).toEqual([true, false])
      if (++told === 3) libc().read(read, byte)
    })
    await turns()
    expect(told).toBe(0)
    libc().write(write, byte)
    await turns()
    expect(told).toBe(3)
  })

  it('lets promises go on before the next timer', async () => {
    const { read, write } = pipe()
    const order: string[] = []
    const ready = new Promise<void>((resolve) =>
      watch(read, 'read', () => {
        libc().read(read, byte)
        resolve()
      }),
    )
    const late = new Promise<void>((resolve) => setTimeout(resolve, 300)).then(() => order.push('timer'))
    libc().write(write, byte)
    await ready
    order.push('ready')
    await late
    expect(order).toEqual(['ready', 'timer'])
  })

  it('changes what it waits for, and with none it waits for nothing, not even a hang-up', async () => {
    const { read, write } = pipe()
    let told = 0
    const writing = watch(write, 'none', ({ writable }) => {
      expect(writable).toBe(true)
      told++
      writing.modify('none')
    })
    await turns()
    expect(told).toBe(0)
    writing.modify('write')
    await turns()
    expect(told).toBe(1)
    let hangups = 0
    const reading = watch(read, 'none', ({ hangup }) => void (hangup && hangups++))
    writing.close()
    close(write)
    await turns()
    expect(hangups).toBe(0)
    reading.modify('read')
    await turns()
    expect(hangups).toBeGreaterThan(0)
  })

  it('refuses regular files, closed descriptors and a second watch', () => {
    const file = openSync('/etc/hostname', 'r')
    expect(() => watch(file, 'read', () => {})).toThrow(expect.objectContaining({ code: 'EPERM' }))
    closeSync(file)
    expect(() => watch(file, 'read', () => {})).toThrow(expect.objectContaining({ code: 'EBADF' }))
    const { read } = pipe()
    watch(read, 'read', () => {})
    expect(() => watch(read, 'read', () => {})).toThrow(expect.objectContaining({ code: 'EEXIST' }))
  })

  it('a watch can be closed by another in the same batch, and then hears nothing', async () => {
    const all = Array.from({ length: 20 }, pipe)
    let told = 0
    const made = all.map(({ read }) =>
      watch(read, 'read', () => {
        told++
        for (const each of made) each.close()
      }),
    )
    for (const { write } of all) libc().write(write, byte)
    await turns()
    expect(told).toBe(1)
  })

  it('survives a descriptor that was closed before its watch, and used again for another', async () => {
    const first = pipe()
    const stale = watch(first.read, 'read', () => expect.fail('the old watch was told'))
    close(first.read)
    const second = pipe()
    expect(second.read).toBe(first.read)
    let told = 0
    watch(second.read, 'read', () => {
      told++
      libc().read(second.read, byte)
    })
    stale.modify('write')
    stale.close()
    libc().write(second.write, byte)
    await turns()
    expect(told).toBe(1)
  })

  it('does not spin for a file that lives on under another descriptor', async () => {
    const { read, write } = pipe()
    const twin = libc().dup(read)
    fds.add(twin)
    let told = 0
    const ghost = watch(read, 'read', () => told++)
    const other = pipe()
    let otherTold = 0
    watch(other.read, 'read', () => {
      otherTold++
      libc().read(other.read, byte)
    })
    close(read)
    ghost.close()
    libc().write(write, byte)
    await turns()
    expect(told).toBe(0)
    const before = loopTurns()
    await new Promise((resolve) => setTimeout(resolve, 300))
    // A loop that spins turns tens of thousands of times.
    expect(loopTurns() - before).toBeLessThan(500)
    libc().write(other.write, byte)
    await turns()
    expect(otherTold).toBe(1)
  })

  it('makes what a listener throws an uncaught exception, and goes on', async () => {
    const output = runScript(`
      const { reactor } = await import(process.argv[1] + 'reactor.ts')
      const { makePipe } = await import(process.argv[1] + 'pipe.ts')
      const { writeSync, readSync } = await import('node:fs')
      const bad = makePipe(), good = makePipe(), byte = Buffer.alloc(1)
      process.on('uncaughtException', (error) => console.log('uncaught', error.message))
      const first = reactor().watch(bad.read, 'read', () => { first.close(); throw new Error('thrown') })
      const second = reactor().watch(good.read, 'read', () => { second.close(); console.log('told') })
      writeSync(bad.write, byte); writeSync(good.write, byte)`)
    expect(output.split('\n').sort()).toEqual(['', 'told', 'uncaught thrown'])
  })

  it('keeps the process alive for a watch, but not for one that is unref’d', () => {
    const script = (unref: string): string => `
      const { reactor } = await import(process.argv[1] + 'reactor.ts')
      const { makePipe } = await import(process.argv[1] + 'pipe.ts')
      const { read, write } = makePipe()
      const watch = reactor().watch(read, 'read', () => { console.log('told'); watch.close() })
      ${unref}
      const { writeSync } = await import('node:fs')
      process.on('exit', () => console.log('exit'))`
    expect(runScript(script('setTimeout(() => writeSync(write, "x"), 50).unref()'))).toBe('told\nexit\n')
    expect(runScript(script('watch.unref()'))).toBe('exit\n')
  })

  it('lets a worker thread end with watches open', () => {
    const output = runScript(`
      const { Worker } = await import('node:worker_threads')
      const code = \`import('tsx/esm/api').then(async ({ register }) => {
        register()
        const { reactor } = await import(\${JSON.stringify(process.argv[1])} + 'reactor.ts')
        const { makePipe } = await import(\${JSON.stringify(process.argv[1])} + 'pipe.ts')
        reactor().watch(makePipe().read, 'read', () => {})
        process.exit(3)
      })\`
      new Worker(code, { eval: true }).on('exit', (exit) => console.log('ended', exit))`)
    expect(output).toBe('ended 3\n')
  })
})

function runScript(script: string): string {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const here = fileURLToPath(new URL('./', import.meta.url))
  return execFileSync(process.execPath, ['--import', loader, '--input-type=module', '-e', script, here], {
    encoding: 'utf8',
    timeout: 20_000,
  })
}
