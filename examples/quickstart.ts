/**
 * What libpod-ts does, from an image made of this machine's busybox to an empty list: a container, a pod with a volume, and a
 * port of it that this program asks.
 *
 *     npm run quickstart
 */
import { Runtime } from 'libpod-ts'
import { busyboxRootfs } from './busybox.ts'

const started = performance.now()
const color = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined
const paint = (code: number, text: string): string => (color ? `\x1b[${code}m${text}\x1b[0m` : text)

function chapter(title: string): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(4)
  console.log(`\n${paint(36, `${seconds}s`)}  ${paint(1, title)}`)
}

function say(text: string): void {
  for (const line of text.trimEnd().split('\n')) console.log(`       ${line}`)
}

chapter('Open a runtime')
const since = new Date()
await using runtime = await Runtime.open()
const { oci, monitor, cgroups, storage, root } = await runtime.info()
say(`${oci.name} ${oci.version} and ${monitor.name} ${monitor.version}, cgroups ${cgroups.mode}, ${storage.snapshotter} in ${root}`)
for (const { name, reason } of oci.passedOver) say(paint(2, `(${name} is passed over: ${reason})`))

chapter('Make an image from busybox, without any network')
const image = await runtime.images.import(busyboxRootfs(), {
  tag: 'localhost/quickstart:latest',
  changes: ['CMD ["/bin/sh"]', 'ENV GREETING=hello'],
  onProgress: ({ phase, bytes }) => {
    if (process.stdout.isTTY) process.stdout.write(`\r       ${phase} ${(bytes / 1e6).toFixed(1)} MB   `)
  },
})
if (process.stdout.isTTY) process.stdout.write('\r')
say(`localhost/quickstart:latest is ${image.id.slice(0, 12)}                `)

// Of a run that was interrupted.
await (await runtime.pods.find('quickstart-pod'))?.remove({ force: true })
await (await runtime.containers.find('quickstart'))?.remove({ force: true })
await (await runtime.volumes.find('quickstart'))?.remove()

chapter('Create and start a container')
const container = await runtime.containers.create({
  image: 'localhost/quickstart',
  name: 'quickstart',
  command: ['sh', '-c', 'for i in 1 2 3; do echo "$GREETING number $i"; sleep 0.2; done; sleep 600'],
  memoryBytes: 64 * 1024 * 1024,
  pidsLimit: 50,
  network: 'none',
})
await container.start()
say(`${container.id.slice(0, 12)} runs`)

chapter('Stream its log')
for await (const { line, stream } of container.logs({ follow: true })) {
  say(`${stream}: ${line}`)
  if (line.endsWith('3')) break
}

chapter('Run a command in it')
const { exitCode, stdout } = await container.exec(['sh', '-c', 'id; uname -sr; ls /'])
say(stdout)
say(`exit code ${exitCode}`)

chapter('Look at what it uses')
const { memory, pids } = await container.stats({ once: true })
say(
  `memory ${(memory.usedBytes / 1024).toFixed(0)} KiB of ${(memory.limitBytes / 1024 / 1024).toFixed(0)} MiB, ${pids.current} of ${pids.limit} processes`,
)
for (const [pid = '', user = '', command = ''] of (await container.top({ fields: ['pid', 'user', 'args'] })).processes)
  say(`${pid.padStart(7)}  ${user.padEnd(6)} ${command}`)

chapter('Run a program to completion: podman run --rm as a promise')
const result = await runtime.containers.run({
  image: 'localhost/quickstart',
  command: ['sh', '-c', 'cat; exit 3'],
  input: 'what goes in comes out\n',
  network: 'none',
})
say(`${result.stdout.trimEnd()}, exit code ${result.exitCode}`)

chapter('A pod: two containers, one network, one volume, one published port')
const pod = await runtime.pods.create({ name: 'quickstart-pod', ports: [{ container: 8080, hostIp: '127.0.0.1' }], pidsLimit: 100 })
const mounts = [{ type: 'volume', source: 'quickstart', target: '/site' }] as const
const member = { image: 'localhost/quickstart', pod: pod.id, mounts }
await runtime.containers.create({ ...member, command: ['sh', '-c', 'while date > /site/index.html; do sleep 1; done'] })
const web = await runtime.containers.create({ ...member, command: ['httpd', '-f', '-p', '8080', '-h', '/site'] })
await pod.start()
await web.waitUntil({ http: { port: 8080 } })
const url = `http://127.0.0.1:${await web.hostPort(8080)}/`
say(`${url} says: ${(await (await fetch(url)).text()).trimEnd()}`)
const { status, containers } = await pod.inspect()
say(`the pod is ${status}, with ${containers.map(({ name }) => name).join(' and ')}`)
await pod.remove({ force: true })
await (await runtime.volumes.get('quickstart')).remove()

chapter('Stop and remove the container')
await container.stop({ timeoutMs: 1000 })
const ended = await container.wait()
say(`it ended with ${ended.exitCode}`)
await container.remove()
await image.remove()

chapter('What happened, and what is left')
const seen = new Map<string, number>()
for await (const { type, action } of runtime.events({ since, until: new Date() })) {
  const what = `${type} ${action}`
  seen.set(what, (seen.get(what) ?? 0) + 1)
}
say([...seen].map(([what, times]) => (times === 1 ? what : `${what} (${times})`)).join(', '))
const { containers: ours, pods, images, volumes } = runtime
const left = (await Promise.all([ours, pods, images, volumes].map((things) => things.list()))).flat()
say(left.length === 0 ? 'no container, no pod, no image, no volume' : JSON.stringify(left))
process.exitCode = left.length === 0 ? 0 : 1
console.log(`\n${paint(32, 'Done')} in ${((performance.now() - started) / 1000).toFixed(1)} s.`)
