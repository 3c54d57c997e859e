import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { runModule } from '../support/child.ts'
import { sh, started } from '../support/containers.ts'
import { useEngine } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'

const engine = useEngine()

/** Runs code in a process of its own that has this root open, as `runtime`. */
const inProcess = (
  code: string,
  env: Record<string, string> = {},
  onOutput: (text: string) => void = () => {},
): ReturnType<typeof runModule> =>
  runModule(
    `import { Runtime } from 'libpod-ts'
     const runtime = await Runtime.open(${JSON.stringify({ root: engine.root, runRoot: engine.runRoot })})
     ${code}`,
    { env, onOutput },
  )

describe('a process with an open runtime', () => {
  it('ends by itself when it has nothing to do, without closing it', async () => {
    const { exitCode, stderr } = await inProcess('await runtime.info(); await runtime.containers.list()')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  })

  it('ends by itself after it has run containers', async () => {
    const { exitCode, stdout } = await inProcess(
      `console.log((await runtime.containers.run({ image: 'busybox', command: ['echo', 'ran'], network: 'none' })).stdout)
       const container = await runtime.containers.create({ image: 'busybox', command: ['true'], network: 'none', autoRemove: true })
       await container.start()`,
    )
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'ran\n\n' })
    await expect.poll(async () => (await engine.runtime.containers.list()).length, { timeout: 5000 }).toBe(0)
  })

  const untilGo = 'while [ ! -e /go ]; do sleep 0.02; done'
  const execUntilGo = `['sh', '-c', 'touch /begun; ${untilGo}']`
  it.each([
    ['a wait', 'await container.wait(); console.log("ended")'],
    ['a wait that nobody awaits', 'container.wait().then(() => console.log("ended"))'],
    ['logs that are followed', 'for await (const _ of container.logs({ follow: true })); console.log("ended")'],
    ['raw logs that are followed', 'container.logs({ follow: true, raw: true }).resume().once("end", () => console.log("ended"))'],
    ['events', 'for await (const { action } of runtime.events()) if (action === "died") break; console.log("ended")'],
    ['stats', 'for await (const _ of container.stats({ intervalMs: 50 })); console.log("ended")'],
    ['an attached session', 'const { stdout } = await container.attach(); for await (const _ of stdout); console.log("ended")'],
    ['an exec', `await container.exec(${execUntilGo}); console.log("ended")`],
    ['a session', `const session = await container.spawn(${execUntilGo}); await session.wait(); console.log("ended")`],
    ['a waitUntil', 'await container.waitUntil({ log: "late" }); console.log("ended")'],
  ])('is kept alive by %s', async (_name, code) => {
    const container = await started(engine, sh(`${untilGo}; echo late; sleep 0.3`))
    const begun = async (): Promise<unknown> => expect(await container.exec(['ls', '/begun'])).toMatchObject({ exitCode: 0 })
    const go = async (): Promise<void> => {
      if (code.includes('/begun')) await eventually(begun, 20_000)
      await pause(200)
      await container.exec(['touch', '/go'])
    }
    const { exitCode, stdout, stderr } = await inProcess(
      `const container = runtime.containers.ref('${container.id}'); process.stdout.write('ready '); ${code}`,
      {},
      (text) => {
        if (text.startsWith('ready')) void go()
      },
    )
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: 'ready ended\n', stderr: '' })
    await container.wait()
    await container.remove()
  })

  it('keeps its hands off what is the process’s: handlers, working directory, umask, environment', async () => {
    const { stdout } = await inProcess(
      `const seen = () => JSON.stringify([process.eventNames().filter((name) => name !== 'newListener'), process.cwd(), process.umask(), process.env])
       const before = seen()
       await runtime.containers.run({ image: 'busybox', command: ['true'], network: 'none' })
       const container = await runtime.containers.create({ image: 'busybox', command: ['true'], network: 'none' })
       await container.start(); await container.wait(); await container.remove()
       console.log(before === seen() ? 'same' : before + ' ' + seen())
       await runtime.close()`,
    )
    expect(stdout).toBe('same\n')
  })

  it('gives containers and monitors nothing of its environment', async () => {
    const { stdout } = await inProcess(
      `const { stdout } = await runtime.containers.run({ image: 'busybox', command: ['env'], network: 'none' })
       const container = await runtime.containers.create({ image: 'busybox', command: ['sleep', '600'], network: 'none' })
       await container.start()
       const { state: { monitorPid } } = await container.inspect()
       const { readFileSync } = await import('node:fs')
       console.log(stdout.includes('s3cret') || readFileSync('/proc/' + monitorPid + '/environ', 'utf8').includes('s3cret'))
       await container.remove({ force: true })
       await runtime.close()`,
      { TOKEN: 's3cret' },
    )
    expect(stdout).toBe('false\n')
  })
})
