// A host application that systemd runs as a service: it makes the containers it was told of unless they are there, writes down what it
// finds, and stays until it is killed. Plain JavaScript, so that it starts in no time.
import { renameSync, writeFileSync } from 'node:fs'
import { Runtime } from 'libpod-ts'

const { root, runRoot, runtime: ociRuntime, report, containers: wanted } = JSON.parse(process.argv[2])

const { containers } = await Runtime.open({ root, runRoot, oci: { runtime: ociRuntime } })
for (const options of wanted) {
  if (await containers.exists(options.name)) continue
  const container = await containers.create(options)
  await container.start()
}

const found = await Promise.all(
  wanted.map(async ({ name }) => {
    const container = await containers.get(name)
    const { id, status, state } = await container.inspect()
    const lines = []
    for await (const { line } of container.logs()) lines.push(line)
    return { id, name, status, exitCode: state.exitCode, pid: state.pid, monitorPid: state.monitorPid, lines }
  }),
)
writeFileSync(`${report}.new`, JSON.stringify({ pid: process.pid, found }))
renameSync(`${report}.new`, report)
setInterval(() => {}, 1000)
