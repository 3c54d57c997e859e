import type { LibpodError } from 'libpod-ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { created } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()

/** Every verb with the options that it is called with, whatever they are. What streams is asked for its first item. */
type Call = (options: object) => unknown

let calls: Readonly<Record<string, Call>> = {}
const gone: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  const { runtime } = engine
  const { containers, images, volumes, networks, pods } = runtime
  const container = await created(engine, ['sleep', '600'])
  const pod = await pods.create({ name: 'verb-options' })
  const volume = await volumes.create({ name: 'verb-options' })
  const network = await networks.create({ name: 'verb-options' })
  gone.push(
    () => container.remove({ force: true }),
    () => pod.remove({ force: true }),
    () => volume.remove(),
    () => network.remove(),
  )
  const found = await images.get(image)
  calls = {
    'container.start': (o) => container.start(o),
    'container.init': (o) => container.init(o),
    'container.stop': (o) => container.stop(o),
    'container.restart': (o) => container.restart(o),
    'container.kill': (o) => container.kill('SIGURG', o),
    'container.pause': (o) => container.pause(o),
    'container.unpause': (o) => container.unpause(o),
    'container.wait': (o) => container.wait(o),
    'container.remove': (o) => container.remove(o),
    'container.attach': (o) => container.attach(o),
    'container.exec': (o) => container.exec(['true'], o),
    'container.spawn': (o) => container.spawn(['true'], o),
    'container.logs': (o) => first(container.logs(o)),
    'container.stats': (o) => first(container.stats(o)),
    'container.stats, once': (o) => container.stats(once(o)),
    'container.top': (o) => container.top(o),
    'container.waitUntil': (o) => container.waitUntil({ log: /x/ }, o),
    'containers.list': (o) => containers.list(o),
    'containers.iterate': (o) => first(containers.iterate(o)),
    'containers.prune': (o) => containers.prune(o),
    'pod.start': (o) => pod.start(o),
    'pod.stop': (o) => pod.stop(o),
    'pod.restart': (o) => pod.restart(o),
    'pod.kill': (o) => pod.kill('SIGURG', o),
    'pod.pause': (o) => pod.pause(o),
    'pod.unpause': (o) => pod.unpause(o),
    'pod.wait': (o) => pod.wait(o),
    'pod.remove': (o) => pod.remove(o),
    'pod.stats': (o) => first(pod.stats(o)),
    'pod.stats, once': (o) => pod.stats(once(o)),
    'pod.top': (o) => pod.top(o),
    'pods.list': (o) => pods.list(o),
    'pods.iterate': (o) => first(pods.iterate(o)),
    'pods.prune': (o) => pods.prune(o),
    'image.tag': (o) => found.tag('localhost/verb-options', o),
    'image.untag': (o) => found.untag('localhost/verb-options', o),
    'image.inspect': (o) => found.inspect(o),
    'image.history': (o) => found.history(o),
    'image.save': (o) => found.save(o),
    'image.remove': (o) => found.remove(o),
    'images.pull': (o) => images.pull('localhost/verb-options', o),
    'images.import': (o) => images.import('/nowhere', o),
    'images.load': (o) => images.load('/nowhere', o),
    'images.loadAll': (o) => images.loadAll('/nowhere', o),
    'images.save': (o) => images.save([image], o),
    'images.get': (o) => images.get(image, o),
    'images.find': (o) => images.find(image, o),
    'images.exists': (o) => images.exists(image, o),
    'images.list': (o) => images.list(o),
    'images.iterate': (o) => first(images.iterate(o)),
    'images.prune': (o) => images.prune(o),
    'volume.remove': (o) => volume.remove(o),
    'volumes.create': (o) => volumes.create(o),
    'volumes.list': (o) => volumes.list(o),
    'volumes.iterate': (o) => first(volumes.iterate(o)),
    'volumes.prune': (o) => volumes.prune(o),
    'network.connect': (o) => network.connect(container.id, o),
    'network.disconnect': (o) => network.disconnect(container.id, o),
    'network.remove': (o) => network.remove(o),
    'networks.create': (o) => networks.create(o),
    'networks.list': (o) => networks.list(o),
    'networks.iterate': (o) => first(networks.iterate(o)),
    'networks.prune': (o) => networks.prune(o),
    'runtime.events': (o) => first(runtime.events(o)),
    'runtime.prune': (o) => runtime.prune(o),
  }
})
afterAll(async () => {
  for (const remove of gone) await remove()
})

function once(options: object): { readonly once: true } {
  return (Object(options) === options ? { once: true, ...options } : options) as { readonly once: true }
}

async function first(items: AsyncIterable<unknown>): Promise<unknown> {
  for await (const item of items) return item
  return undefined
}

/** What is given, and at which path each verb has to refuse it. */
const refused: readonly (readonly [what: string, given: unknown, path: RegExp])[] = [
  ['an option that does not exist', { bogus: 1 }, /^bogus$/],
  ['a signal that is none', { signal: 'SIGTERM' }, /^signal$/],
  ['a text', 'options', /^(options|)$/],
  ['a number', 5, /^(options|)$/],
  ['null', null, /^(options|)$/],
]

describe.each(refused)('no verb takes %s for its options', (_, given, path) => {
  it('and each says so', async () => {
    const answers = await Promise.all(
      Object.entries(calls).map(async ([verb, call]) => {
        const answer = await failure((async () => call(given as object))()).catch((error: Error) => error)
        const { code, details } = answer as LibpodError<'invalid-argument'>
        return { verb, code, path: path.test(String(details?.path)) ? 'right' : (details?.path ?? answer.message) }
      }),
    )
    expect(answers).toEqual(Object.keys(calls).map((verb) => ({ verb, code: 'invalid-argument', path: 'right' })))
  })
})

it.each(['until', 'name'])('the filter %s is read also where there is nothing to compare it with', async (key) => {
  const { containers, volumes, networks, pods } = engine.runtime
  const none = { label: 'nobody has this' }
  for (const all of [containers, volumes, networks, pods]) {
    const refused = await failure(all.list({ filters: { ...none, [key]: '[' } }))
    expect(refused).toMatchObject({ code: 'invalid-argument', details: { path: `filters.${key}` } })
  }
})
