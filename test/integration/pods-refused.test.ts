import { expect, it } from 'vitest'
import { created } from '../support/containers.ts'
import { useEngine } from '../support/engine.ts'
import { infraOf, member, newPod, sleeper } from '../support/pods.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()

it('unknown pods', async () => {
  const expected = { code: 'not-found', details: { kind: 'pod', ref: 'nobody' } }
  expect(await failure(engine.runtime.pods.get('nobody'))).toMatchObject(expected)
  expect(await failure(created(engine, ['true'], { pod: 'nobody' }))).toMatchObject(expected)
  expect(await failure(engine.runtime.containers.list({ filters: { pod: 'nobody' } }))).toMatchObject(expected)
  const ref = engine.runtime.pods.ref('f'.repeat(64))
  for (const verb of ['start', 'stop', 'restart', 'kill', 'pause', 'unpause', 'wait', 'remove', 'inspect', 'top', 'containers'] as const)
    expect(await failure(ref[verb]() as Promise<unknown>), verb).toMatchObject({ code: 'not-found', details: { kind: 'pod' } })
  expect(await failure(ref.stats({ once: true }))).toMatchObject({ code: 'not-found' })
})

it.each([
  ['infra', { infra: false, network: 'none' }, 'network'],
  ['infra', { infra: false, share: ['net'] }, 'share'],
  ['share', { share: ['ipc'], network: 'host' }, 'network'],
  ['share', { share: ['net'], hostname: 'x' }, 'hostname'],
  ['unknown namespaces', { share: ['mnt'] }, 'share[0]'],
  ['unknown options', { imgae: 'x' }, 'imgae'],
  ['names', { name: 'no/pod' }, 'name'],
  ['limits', { memoryBytes: -1 }, 'memoryBytes'],
  ['limits', { cpus: 1, cpuQuota: 1000 }, 'cpus'],
  ['cgroupParent', { cgroupParent: '/a/../b' }, 'cgroupParent'],
])('options that cannot be: %s %j', async (_, options, path) => {
  expect(await failure(engine.runtime.pods.create(options as never))).toMatchObject({ code: 'invalid-argument', details: { path } })
})

it('what the pod decides on', async () => {
  const pod = await newPod(engine, { name: 'deciding' })
  for (const [options, path] of [
    [{ network: 'none' }, 'network'],
    [{ hostname: 'mine' }, 'hostname'],
    [{ cgroupParent: '/mine' }, 'cgroupParent'],
  ] as const)
    expect(await failure(member(engine, pod, ['true'], options))).toMatchObject({ code: 'invalid-argument', details: { path } })
  expect(await failure(newPod(engine, { name: 'deciding' }))).toMatchObject({ code: 'already-exists' })
  expect(await failure(created(engine, ['true'], { name: 'deciding' }))).toMatchObject({ code: 'already-exists' })
  await pod.remove()
})

it('taking the infra container away by itself', async () => {
  const pod = await newPod(engine)
  const infra = await infraOf(engine, pod)
  for (const force of [false, true])
    expect(await failure(infra.remove({ force }))).toMatchObject({ code: 'in-use', details: { users: [`pod/${pod.id}`] } })
  expect((await engine.runtime.containers.prune()).removed).not.toContain(infra.id)
  expect(await infra.inspect()).toMatchObject({ infra: true, pod: pod.id, image: '' })
  await pod.remove()
})

it('a part of it: who failed, and why', async () => {
  const pod = await newPod(engine)
  const good = await sleeper(engine, pod)
  const bad = await member(engine, pod, ['/no/such/program'], { name: 'bad' })
  const error = await failure(pod.start())
  expect(error).toMatchObject({
    code: 'partial-failure',
    details: { kind: 'pod', ref: pod.id, verb: 'start', failures: [{ id: bad.id, name: 'bad', code: 'command-failed' }] },
  })
  expect(error.message).toContain('bad: ')
  expect(error.cause).toMatchObject({ code: 'command-failed', details: { exitCode: 127 } })
  expect(await good.inspect()).toMatchObject({ status: 'running' })
  // Somebody outside of the pod joins one of it.
  const outside = await created(engine, ['true'], { network: { container: good.id } })
  expect(await failure(pod.remove({ force: true }))).toMatchObject({
    code: 'partial-failure',
    details: { verb: 'remove', failures: [{ id: good.id, code: 'in-use' }] },
  })
  await outside.remove()
  await pod.remove({ force: true })
})

it('an abort', async () => {
  const pod = await newPod(engine)
  const signal = AbortSignal.abort(new Error('no more'))
  for (const verb of ['start', 'stop', 'remove'] as const) await expect(pod[verb]({ signal }), verb).rejects.toBe(signal.reason)
  await expect(engine.runtime.pods.create({ signal })).rejects.toBe(signal.reason)
  await pod.remove()
})
