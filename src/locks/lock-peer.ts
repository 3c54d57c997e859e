// The other process of the tests of locks.
import { mkdirSync, rmdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFlockManager } from './flock.ts'
import { createOwner } from './owners.ts'

const [job = '', directory = '', key = '', times = '0'] = process.argv.slice(2)
const forever = (): void => void setInterval(() => {}, 60_000)

if (job === 'hold') {
  await createFlockManager({ directory }).acquire(key)
  process.stdout.write('held\n')
  forever()
} else if (job === 'own') {
  const { id } = await createOwner(directory)
  process.stdout.write(`${id}\n`)
  forever()
} else if (job === 'contend') {
  const locks = createFlockManager({ directory })
  const inside = `${directory}/inside`
  let overlaps = 0
  for (let round = 0; round < Number(times); round++) {
    const release = await locks.acquire(key)
    try {
      mkdirSync(inside)
    } catch {
      overlaps++
    }
    if (round % 3 === 0) await sleep(1)
    rmdirSync(inside)
    await release({ remove: round % 2 === 0 })
  }
  await locks.close()
  process.stdout.write(`${overlaps}\n`)
} else {
  throw new Error(`No job ${job}.`)
}
