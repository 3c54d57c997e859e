// A host application that is to be killed. It opens a root, does what its scenario says, and dies (or kills its helper or
// monitors) at the step it was told. Plain JavaScript, so that it starts in no time. What it did it prints, a JSON text a line.
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { isLibpodError, Runtime } from 'libpod-ts'
import { randomOperations } from './operations.mjs'

const settings = JSON.parse(process.argv[2])
const { root, runRoot, runtime: ociRuntime, scenario, probe, target, options = {}, tar } = settings
const [phase, step] = (probe ?? ':').split(':')
let hit = false

const runtime = await Runtime.open({
  root,
  runRoot,
  ...(ociRuntime === undefined ? {} : { oci: { runtime: ociRuntime } }),
  [Symbol.for('libpod-ts.internals')]: { probe: step === '' ? undefined : atStep },
})
const { containers, images, pods } = runtime
const waiting = ['sh', '-c', 'trap "exit 7" TERM; echo up; sleep 1000 & wait']

function atStep(name, when) {
  if (hit || name !== step || when !== phase) return
  hit = true
  if (settings.lingerMs) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, settings.lingerMs)
  if (target === 'host' && !settings.withHelper) process.kill(process.pid, 'SIGKILL')
  const killed = processes().filter(({ line, parent }) =>
    target === 'conmon' ? /^[^\0]*conmon\0/.test(line) : parent === process.pid && line.includes('helper.js'),
  )
  for (const { pid } of killed) process.kill(pid, 'SIGKILL')
  if (target === 'host') process.kill(process.pid, 'SIGKILL')
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
  const container = await containers.create({ name: 'victim', command: waiting, ...options, ...more })
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
    // Without a monitor there is nobody to write a log.
    await container.waitUntil({ log: 'up' }, target === 'conmon' ? { timeoutMs: 1000 } : {})
    await container.stop({ timeoutMs: 5000 })
    await container.remove({ volumes: true })
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
    await containers.run({ name: 'victim', command: ['true'], ...options })
  },
  async ephemeral() {
    const container = await containers.ephemeral({ name: 'victim', command: waiting, ...options })
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
  async pod() {
    const pod = await pods.create({ name: 'victim-pod', network: 'none', cgroupParent: options.cgroupParent, pidsLimit: 1000 })
    await make(inPod(pod.id, 'victim-one'))
    await pod.start()
    await pod.stop({ timeoutMs: 0 })
    await pod.remove()
  },
  async restartPod() {
    const pod = await pods.create({ name: 'victim-pod', network: 'none', cgroupParent: options.cgroupParent })
    await make(inPod(pod.id, 'victim-one'))
    await pod.start()
    await pod.pause()
    await pod.unpause()
    await pod.restart({ timeoutMs: 0 })
    await pod.kill()
    await pod.remove({ force: true })
  },
  async network() {
    const network = await runtime.networks.create({ name: 'victim-net' })
    const container = await make({ network: { networks: [{ name: 'victim-net' }] } })
    await container.start()
    await container.remove({ force: true })
    await network.remove()
  },
  async connect() {
    const network = await runtime.networks.create({ name: 'victim-net' })
    const container = await make()
    await container.start()
    await network.connect('victim')
    await runtime.networks.ref('podman').disconnect('victim')
  },
  /** Starts what it is told, and stays. */
  async stay() {
    await Promise.all(settings.stay.map(stayWith))
    say({ ready: true })
    setInterval(() => {}, 1000)
    await new Promise(() => {})
  },
  /** Starts what it is told, and goes. */
  async leave() {
    for (const one of settings.stay) await stayWith(one)
  },
  /** All verbs at once, again and again. */
  async mixed() {
    say({ ready: true })
    const tolerant = (work) => work.catch(tolerate)
    for (let at = 0; ; at++) {
      await Promise.all([
        tolerant(live(`victim-life-${at}`)),
        tolerant(make({ name: `victim-auto-${at}`, command: ['sh', '-c', 'exit 3'], autoRemove: true }).then((made) => made.start())),
        tolerant(containers.run({ ...options, name: `victim-run-${at}`, command: ['sleep', '0.1'] })),
        tolerant(containers.ephemeral({ ...options, name: `victim-eph-${at}`, command: waiting })),
        tolerant(images.import(tar, { tag: `localhost/victim-${at}:latest` }).then((image) => image.remove())),
      ])
    }
  },
  /** One random operation after the other, until it is killed; tells of each that came to an end. */
  async operations() {
    const operations = randomOperations(runtime, { command: waiting, options })
    const verbs = Object.keys(operations)
    say({ ready: true })
    const lane = async () => {
      for (;;) {
        const verb = verbs[Math.floor(Math.random() * verbs.length)]
        try {
          await operations[verb]()
          say({ did: verb })
        } catch (error) {
          tolerate(error, verb)
          say({ did: `${verb}: ${error.code}` })
        }
      }
    }
    await Promise.all([lane(), lane()])
  },
  /** Works on a few containers that another process works on, too. */
  contend: () => contend(contended),
  /** The same with pods. */
  contendPods: () => contend(ofPods),
}

function oneOf(list) {
  return list[Math.floor(Math.random() * list.length)]
}

async function contend(verbs) {
  const until = Date.now() + settings.forMs
  const under = new Map()
  let count = 0
  const lane = async (number) => {
    while (Date.now() < until) {
      const name = `victim-${Math.floor(Math.random() * 5)}`
      const verb = oneOf(Object.keys(verbs))
      under.set(number, `${verb} ${name}`)
      try {
        await verbs[verb](name)
        count++
      } catch (error) {
        // A program fails when somebody else ends its container; nobody is kept from that.
        if ((verb !== 'exec' && verb !== 'run') || error.code !== 'command-failed') tolerate(error, `${verb} ${name}`)
      }
      under.delete(number)
      // They meet in the middle of things as often; without it they take all there is of the machine.
      await sleep(Math.random() * 40)
    }
  }
  setTimeout(() => {
    say({ fault: `These never ended: ${[...under.values()].join(', ')}` })
    process.exit(1)
  }, settings.forMs + 30_000).unref()
  await Promise.all([lane(0), lane(1), lane(2)])
  say({ count })
}

const contended = {
  create: (name) => make({ name }),
  start: async (name) => (await containers.get(name)).start(),
  // Somebody may pause it and go away.
  run: (name) => containers.run({ ...options, name, command: ['true'], timeoutMs: 3000 }),
  exec: async (name) => (await containers.get(name)).exec(['true']),
  pause: async (name) => (await containers.get(name)).pause(),
  unpause: async (name) => (await containers.get(name)).unpause(),
  stop: async (name) => (await containers.get(name)).stop({ timeoutMs: 300 }),
  kill: async (name) => (await containers.get(name)).kill(),
  restart: async (name) => (await containers.get(name)).restart({ timeoutMs: 300 }),
  remove: async (name) => (await containers.get(name)).remove(),
  removeByForce: async (name) => (await containers.get(name)).remove({ force: true }),
  list: () => containers.list(),
}

const podNames = ['victim-pod', 'victim-other']
const somePod = () => pods.get(oneOf(podNames))
const ofPods = {
  createPod: () => pods.create({ name: oneOf(podNames), network: 'none', cgroupParent: options.cgroupParent, pidsLimit: 1000 }),
  createMember: (name) => make(inPod(oneOf(podNames), name)),
  start: async (name) => (await containers.get(name)).start(),
  run: (name) => containers.run({ ...options, ...inPod(oneOf(podNames), `${name}-run`), command: ['true'], timeoutMs: 3000 }),
  remove: async (name) => (await containers.get(name)).remove({ force: true }),
  startPod: async () => (await somePod()).start(),
  stopPod: async () => (await somePod()).stop({ timeoutMs: 0 }),
  killPod: async () => (await somePod()).kill(),
  restartPod: async () => (await somePod()).restart({ timeoutMs: 0 }),
  removePod: async () => (await somePod()).remove({ force: true }),
  list: () => pods.list(),
}

/** What can happen to one who shares, or whose helper or monitor was killed, is said in these codes; anything else is a fault. */
function tolerate(error, what) {
  const codes = isLibpodError(error, 'partial-failure') ? error.details.failures.map(({ code }) => code) : [error.code]
  if (isLibpodError(error) && codes.every((code) => settings.expected.includes(code))) return
  say({ fault: `${what ?? ''} ${error.code ?? ''} ${error.stack}` })
}

async function live(name) {
  const container = await make({ name })
  await container.start()
  await container.exec(['true'])
  await container.stop({ timeoutMs: 5000 })
  await container.remove()
}

/** In a pod it is the pod that decides on the network and the cgroup. */
function inPod(pod, name) {
  return { pod, name, network: undefined, cgroupParent: undefined }
}

async function stayWith({ verb = 'create', ...more }) {
  if (verb === 'run') return void containers.run({ command: waiting, ...options, ...more })
  const container = await containers[verb]({ command: waiting, ...options, ...more })
  if (verb === 'create') await container.start()
  say({ id: container.id })
}

try {
  await scenarios[scenario]()
  say({ done: true })
} catch (error) {
  say({ failed: error.code ?? String(error), message: error.message })
} finally {
  await runtime.close()
}
