import { chmod, chown, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContainerMount, CreateContainerOptions } from 'libpod-ts'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { tarball } from '../support/archives.ts'
import { created, sh, started } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'
import { type Footprint, footprint } from '../support/footprint.ts'
import { collect, failure } from '../support/results.ts'

const engine = useEngine()

it('x', async () => {
  const { runtime } = engine
  const v = await runtime.volumes.create({ name: 'data' })
  console.log(await v.inspect())
  const run = await runtime.containers.run({ image, command: sh('ls -la /etc2; echo hi > /data/x; mount | grep -E "data|img"; ls /img'), network: 'none', mounts: [{type:'volume', source: 'data', target: '/data'}, {type: 'volume', target: '/anon'}, {type: 'image', source: image, target: '/img'}] })
  console.log(run)
  console.log(await v.inspect(), await runtime.volumes.list())
})
