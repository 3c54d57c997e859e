import { afterEach, expect, it } from 'vitest'
import { sh } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'

const engine = useEngine()

it('the default network', async () => {
  const t = performance.now()
  const { stdout, stderr } = await engine.runtime.containers.run({ image, command: sh('ip address show eth0; ip route; cat /etc/hosts /etc/resolv.conf') })
  console.log(stdout, stderr, performance.now() - t)
  console.log(await engine.runtime.networks.list())
  const t2 = performance.now()
  const c = await engine.runtime.containers.create({ image, command: sh('httpd -f -p 80 -h /etc'), ports: [{ container: 80 }] })
  await c.start()
  console.log(performance.now() - t2, (await c.inspect()).ports)
  const [port] = (await c.inspect()).ports
  const text = await (await fetch(`http://127.0.0.1:${port?.host}/hostname`)).text()
  expect(text.trim()).toBe(c.id.slice(0, 12))
  console.log(await (await engine.runtime.networks.get('podman')).inspect())
  await c.remove({ force: true })
})
