import { existsSync } from 'node:fs'
import type { Container, ContainerInspect, Runtime } from 'libpod-ts'
import { expect } from 'vitest'
import { eventually, type Place } from '../support/place.ts'

/** States that a container is not left in: something is still going on, or nobody carries on. */
const passing = new Set(['stopping', 'removing'])

/**
 * Looks at a root after somebody was killed there: each container is whole and is what its record says, or is not there at all.
 * With `use`, it is used as well. Gives how things stood, in a word.
 */
export async function verify(place: Place, runtime: Runtime, { use }: { readonly use: boolean }): Promise<string> {
  const containers = await settledContainers(runtime)
  const images = (await runtime.images.list()).filter(({ names }) => names.some((name) => name.includes('victim')))
  const words = [...containers.map(wordFor), ...images.map(() => 'image')]
  for (const container of containers) {
    await eventually(async () => expectTruth(await runtime.containers.ref(container.id).inspect()))
    if (container.status === 'running' && container.networks.length > 0) await expectConnected(runtime.containers.ref(container.id))
    await expect(
      runtime.containers.create({ ...place.container, name: container.name, command: ['true'] }),
      'its name is taken',
    ).rejects.toMatchObject({ code: 'already-exists' })
    // A stop that was cut off may be carried on just now: then it is used after that.
    if (use) await eventually(() => expectUsable(runtime.containers.ref(container.id)), 10_000)
  }
  if (containers.length === 0) {
    const again = await runtime.containers.create({ ...place.container, name: 'victim', command: ['true'] })
    await again.remove()
  }
  expect(
    (await runtime.volumes.list({ filters: { anonymous: 'true', dangling: 'true' } })).map(({ name }) => name),
    'no volume is left that was to go with its container',
  ).toEqual([])
  for (const { name } of await runtime.volumes.list()) await runtime.volumes.ref(name).inspect()
  for (const { id } of images) {
    let bytes = 0
    for await (const chunk of await runtime.images.ref(id).save()) bytes += (chunk as Buffer).length
    expect(bytes, 'the image is whole').toBeGreaterThan(0)
  }
  return words.length === 0 ? 'absent' : words.join(' + ')
}

/** What an engine that died was doing is finished, or was taken back. */
async function settledContainers(runtime: Runtime): Promise<ContainerInspect[]> {
  return eventually(async () => {
    const listed = await runtime.containers.list()
    const containers = await Promise.all(listed.map(({ id }) => runtime.containers.ref(id).inspect()))
    for (const { status, state, ephemeral } of containers) {
      expect(ephemeral, 'ephemeral containers are gone').toBe(false)
      expect(passing.has(status), `it is ${status}`).toBe(false)
      expect(state.restartDueAt, 'no restart is due').toBeUndefined()
    }
    return containers
  }, 10_000)
}

function wordFor({ state }: ContainerInspect): string {
  return state.status === 'exited' ? `exited ${state.exitCode ?? state.reason ?? '?'}` : state.status
}

async function expectTruth({ state, status }: ContainerInspect): Promise<void> {
  if (status === 'created' || status === 'exited') expect(state.pid).toBeUndefined()
  else expect(existsSync(`/proc/${String(state.pid)}`), `${status}, so its process lives`).toBe(true)
  if (status === 'exited') expect(state.exitCode ?? state.reason).toBeDefined()
}

/** It is in the networks of its record, and in no others; its files say so. */
async function expectConnected(container: Container): Promise<void> {
  const { networks, connected } = await container.inspect()
  expect(connected.map(({ name }) => name).sort()).toEqual([...networks].sort())
  const { stdout } = await container.exec(['sh', '-c', 'ls /sys/class/net; cat /etc/hosts; ip -o -4 address'])
  const links = connected.map(({ interfaceName }) => interfaceName)
  expect(stdout.match(/^(eth\d+)$/gm) ?? []).toEqual(links.sort())
  for (const { addresses } of connected) {
    expect(stdout, 'in its hosts file').toContain(`${addresses[0]}\t`)
    expect(stdout, 'at its link').toContain(`inet ${addresses[0]}/`)
  }
}

async function expectUsable(container: Container): Promise<void> {
  const { command, status } = await container.inspect()
  const ends = command.some((text) => text.includes('exit 3'))
  if (status === 'paused') await container.unpause()
  else if (status !== 'running') await container.start()
  if (ends) {
    expect(await container.wait()).toMatchObject({ exitCode: 3 })
    return
  }
  expect(await container.exec(['echo', 'here'])).toMatchObject({ exitCode: 0, stdout: 'here\n' })
  await container.stop({ timeoutMs: 5000 })
  const { exitCode, reason } = await container.wait()
  // One whose monitor was killed has lost its exit code.
  expect([7, 'monitor-killed']).toContain(exitCode ?? reason)
}
