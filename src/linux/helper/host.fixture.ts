import { fileURLToPath } from 'node:url'
import { silentLogger } from '../../base/logger.ts'
import { lazyHelper } from './lazy-helper.ts'
import { startHelper } from './start-helper.ts'

const [verb, notice = ''] = process.argv.slice(2)
// It is started compiled.
const file = fileURLToPath(new URL('./helper.fixture.js', import.meta.url))
const helper = lazyHelper(() => startHelper({ file, args: [notice], env: {}, logger: silentLogger }))

/** The program that the tests of this folder run as a host: `idle` has nothing more to do, `pending` waits for an answer, `stay` is to be killed. */
process.stdout.write(`${await helper.call('echo', 'hello')}\n`)
process.stdout.write(`${helper.pid}\n`)
if (verb === 'pending')
  helper.call('wait', 300).then(
    (result) => process.stdout.write(`${String(result)}\n`),
    () => {},
  )
if (verb === 'stay') setInterval(() => {}, 1000)
