// Random operations on a few containers, pods, volumes and networks that other processes work on, too. For victim.mjs.
const pick = (list) => list[Math.floor(Math.random() * list.length)]
const names = (stem, count) => Array.from({ length: count }, (_, at) => `${stem}-${at}`)

const containerNames = names('container', 6)
const podNames = names('pod', 2)
const volumeNames = names('volume', 3)
const networkNames = names('network', 2)

/** The operations by their names; each works on things that it picks. */
export function randomOperations({ containers, pods, volumes, networks }, { command, options }) {
  const { cgroupParent, network: _, ...member } = options
  const mounts = () =>
    pick([[], [{ type: 'volume', source: pick(volumeNames), target: '/data' }], [{ type: 'volume', target: '/nameless' }]])
  const connected = () => ({ network: { networks: [{ name: pick(networkNames) }] }, ports: [{ container: 80 }] })
  const container = () => containers.get(pick(containerNames))
  const pod = () => pods.get(pick(podNames))
  const network = () => networks.get(pick(networkNames))
  return {
    create: () => containers.create({ ...options, name: pick(containerNames), command, mounts: mounts() }),
    createConnected: () => containers.create({ ...options, ...connected(), name: pick(containerNames), command }),
    createMember: () => containers.create({ ...member, pod: pick(podNames), name: pick(containerNames), command, mounts: mounts() }),
    createRestarted: () =>
      containers.create({
        ...options,
        name: pick(containerNames),
        command: ['sh', '-c', 'sleep 0.1; exit 3'],
        restart: { policy: 'on-failure', maxRetries: 1 },
      }),
    start: async () => (await container()).start(),
    startToo: async () => (await container()).start(),
    stop: async () => (await container()).stop({ timeoutMs: 300 }),
    kill: async () => (await container()).kill(),
    restart: async () => (await container()).restart({ timeoutMs: 300 }),
    pause: async () => {
      const paused = await container()
      await paused.pause()
      await paused.unpause()
    },
    exec: async () => (await container()).exec(['true'], { timeoutMs: 3000 }),
    remove: async () => (await container()).remove({ volumes: true }),
    removeByForce: async () => (await container()).remove({ force: true, volumes: true }),
    run: () => containers.run({ ...options, command: ['true'], mounts: mounts(), timeoutMs: 5000 }),
    ephemeral: async () => {
      const short = await containers.ephemeral({ ...options, ...pick([connected(), {}]), command, mounts: mounts() })
      try {
        await short.exec(['true'], { timeoutMs: 3000 })
      } finally {
        await short[Symbol.asyncDispose]()
      }
    },
    createPod: () => pods.create({ name: pick(podNames), cgroupParent, ...pick([{ network: 'none' }, { ports: [{ container: 80 }] }]) }),
    startPod: async () => (await pod()).start(),
    stopPod: async () => (await pod()).stop({ timeoutMs: 300 }),
    removePod: async () => (await pod()).remove({ force: true }),
    createVolume: () => volumes.create({ name: pick(volumeNames) }),
    removeVolume: async () => (await volumes.get(pick(volumeNames))).remove(),
    createNetwork: () => networks.create({ name: pick(networkNames) }),
    connect: async () => (await network()).connect(pick(containerNames)),
    disconnect: async () => (await network()).disconnect(pick(containerNames)),
    removeNetwork: async () => (await network()).remove(),
  }
}
