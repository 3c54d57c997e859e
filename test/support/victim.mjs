// A host application that is to be killed. It opens a root, does what its scenario says, and dies (or kills its helper or
// monitors) at the step it was told. Plain JavaScript, so that it starts in no time. What it did it prints, a JSON text a line.
import { readdirSync, readFileSync } from 'node:fs'
import { Runtime } from 'libpod-ts'

const { root, runRoot, runtime: ociRuntime, scenario, probe, target, options = {}, tar } = JSON.parse(process.argv[2])
const [phase, step] = (probe ?? ':').split(':')
let hit = false

const runtime = await Runtime.open({
  root,
  runRoot,
  ...(ociRuntime === undefined ? {} : { oci: { runtime: ociRuntime } }),
  [Symbol.for('libpod-ts.internals')]: { probe: step === '' ? undefined : atStep },
})
const { containers, images } = runtime
const waiting = ['sh', '-c', 'trap "exit 7" TERM; echo up; sleep 1000 & wait']

function atStep(name, when) {
  if (hit || name !== step || when !== phase) return
  hit = true
  if (target === 'host') process.kill(process.pid, 'SIGKILL')
  const killed = processes().filter(({ line, parent }) =>
    target === 'conmon' ? line.includes('conmon') : parent === process.pid && line.includes('helper.js'),
  )
  for (const { pid } of killed) process.kill(pid, 'SIGKILL')
  say({ hit: killed.length })
}

function processes() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        const parent = Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1])
        return line.includes(`${runRoot}`) ? [{ pid: Number(pid), line, parent }] : []
      } catch {
        return []
      }
    })
}

function say(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}

async function make(more = {}) {
  const container = await containers.create({ name: 'victim', command: waiting, network: 'none', ...options, ...more })
  say({ id: container.id })
  return container
}

const scenarios = {
  async open() {},
  async create() {
    await make()
  },
  async start() {
    const container = await make()
    await container.start()
  },
  async life() {
    const container = await make()
    await container.start()
    await container.waitUntil({ log: 'up' })
    await container.stop({ timeoutMs: 5000 })
    await container.remove()
  },
  async init() {
    const container = await make()
    await container.init()
    await container.start()
    await container.kill()
    await container.wait()
    await container.remove()
  },
  async pause() {
    const container = await make()
    await container.start()
    await container.pause()
    await container.unpause()
    await container.remove({ force: true })
  },
  async kill() {
    const container = await make({ restart: { policy: 'always' } })
    await container.start()
    await container.kill()
    await container.wait()
  },
  async autoRemove() {
    const container = await make({ command: ['sh', '-c', 'exit 3'], autoRemove: true })
    await container.start()
    await container.wait({ condition: 'removed' })
  },
  async restart() {
    const container = await make({ command: ['sh', '-c', 'exit 3'], restart: { policy: 'on-failure', maxRetries: 1 } })
    await container.start()
    await container.wait()
  },
  async run() {
    await containers.run({ name: 'victim', command: ['true'], network: 'none', ...options })
  },
  async ephemeral() {
    const container = await containers.ephemeral({ name: 'victim', command: waiting, network: 'none', ...options })
    say({ id: container.id })
    await container[Symbol.asyncDispose]()
  },
  async import() {
    await images.import(tar, { tag: 'localhost/victim:latest', changes: ['CMD ["true"]'] })
  },
  async tag() {
    const image = await images.import(tar, { tag: 'localhost/victim:latest' })
    await image.tag('localhost/victim:other')
    await image.untag('localhost/victim:other')
    await image.remove()
  },
  /** Starts what it is told, and stays. */
  async stay() {
    const { count = 1, verb = 'create', more = {} } = options.stay ?? {}
    delete options.stay
    await Promise.all(
      Array.from({ length: count }, async (_, at) => {
        const name = `victim-${at}`
        if (verb === 'run') return containers.run({ name, command: waiting, network: 'none', ...options, ...more })
        const container = await containers[verb]({ name, command: waiting, network: 'none', ...options, ...more })
        if (verb === 'create') await container.start()
        say({ id: container.id })
      }),
    )
    say({ ready: true })
    setInterval(() => {}, 1000)
    await new Promise(() => {})
  },
}

try {
  await scenarios[scenario]()
  say({ done: true })
} catch (error) {
  say({ failed: error.code ?? String(error), message: error.message })
} finally {
  await runtime.close()
}
