/**
 * A test file with throwaway containers, for vitest: each test has a server of its own, on a port that nobody has chosen. Nothing is left
 * of them when the file ends, also when it is killed.
 *
 *     npx vitest run --project examples
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EphemeralContainer, Runtime } from 'libpod-ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { busyboxRootfs } from './busybox.ts'

let place: string
let runtime: Runtime

beforeAll(async () => {
  // A root of its own, so that even the images go with this file; with the default one they would be kept for the next run.
  place = await mkdtemp(join(tmpdir(), 'throwaway-'))
  runtime = await Runtime.open({ root: join(place, 'root'), runRoot: join(place, 'run') })
  // Stands for an image from a registry, which would be pulled when the first container needs it.
  await runtime.images.import(busyboxRootfs(), { tag: 'localhost/throwaway' })
})
afterAll(async () => {
  await runtime.close()
  await rm(place, { recursive: true, force: true })
})

/** A web server that is ready. */
async function startServer(): Promise<EphemeralContainer> {
  const server = await runtime.containers.ephemeral({
    image: 'localhost/throwaway',
    command: ['httpd', '-f', '-p', '8080', '-h', '/tmp'],
    network: 'private',
    ports: [{ container: 8080, hostIp: '127.0.0.1' }],
  })
  await server.waitUntil({ port: 8080 })
  return server
}

test('what is written is served', async () => {
  await using server = await startServer()
  const { exitCode } = await server.exec(['sh', '-c', 'echo hello > /tmp/greeting'])
  expect(exitCode).toBe(0)
  const answer = await fetch(`http://127.0.0.1:${await server.hostPort(8080)}/greeting`)
  expect(await answer.text()).toBe('hello\n')
})

test('every test begins with an empty server', async () => {
  await using server = await startServer()
  const answer = await fetch(`http://127.0.0.1:${await server.hostPort(8080)}/greeting`)
  expect(answer.status).toBe(404)
})
