import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** One check: what it is called, the command, and whether it needs the built package (and so is not part of `--fast`). */
interface Check {
  readonly name: string
  readonly command: string
  readonly needsBuild?: boolean
  /** It takes longer than all that `--fast` may. */
  readonly isSlow?: boolean
}

const build: Check = { name: 'build', command: 'npm run --silent build' }

const checks: readonly Check[] = [
  { name: 'types', command: 'tsc -p tsconfig.all.json --pretty' },
  { name: 'format and lint', command: 'biome ci --colors=force .' },
  { name: 'ranks, circles, rules', command: 'tsx scripts/check-source.ts' },
  { name: 'promises', command: 'eslint --color .', isSlow: true },
  { name: 'examples in comments', command: 'tsx scripts/check-examples.ts' },
  { name: 'unused', command: 'knip' },
  { name: 'API report', command: 'tsx scripts/check-api.ts', needsBuild: true },
  { name: 'publint', command: 'publint --strict --pack npm', needsBuild: true },
  { name: 'types of the package', command: 'attw --pack . --profile node16 --format table-flipped', needsBuild: true },
]

interface Outcome {
  readonly name: string
  readonly passed: boolean
  readonly seconds: number
}

const fast = process.argv.includes('--fast')
const started = performance.now()
const outcomes: Outcome[] = []

if (fast) {
  await runAll(checks.filter(({ needsBuild, isSlow }) => needsBuild !== true && isSlow !== true))
} else {
  await runAll([build, ...checks.filter(({ needsBuild }) => needsBuild !== true)])
  await runAll(checks.filter(({ needsBuild }) => needsBuild === true))
}

const width = Math.max(...outcomes.map(({ name }) => name.length))
console.log()
for (const { name, passed, seconds } of outcomes)
  console.log(`${passed ? 'ok    ' : 'FAILED'}  ${name.padEnd(width)}  ${seconds.toFixed(1).padStart(5)} s`)
const failed = outcomes.filter(({ passed }) => !passed).length
console.log(
  `\n${failed === 0 ? 'All checks passed' : `${failed} of ${outcomes.length} checks failed`} in ${((performance.now() - started) / 1000).toFixed(1)} s.`,
)
process.exitCode = failed === 0 ? 0 : 1

async function runAll(some: readonly Check[]): Promise<void> {
  const waiting = [...some]
  const worker = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) outcomes.push(await run(check))
  }
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, worker))
}

/** Output comes at the end and only of what failed: two checks run side by side. */
function run({ name, command }: Check): Promise<Outcome> {
  const begun = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn(command, {
      shell: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: `node_modules/.bin:${process.env['PATH']}` },
    })
    const output: Buffer[] = []
    child.stdout.on('data', (piece: Buffer) => output.push(piece))
    child.stderr.on('data', (piece: Buffer) => output.push(piece))
    child.on('error', reject)
    child.on('close', (code) => {
      const passed = code === 0
      if (!passed) console.log(`\n=== ${name}: ${command}\n${Buffer.concat(output).toString('utf8').trimEnd()}`)
      resolve({ name, passed, seconds: (performance.now() - begun) / 1000 })
    })
  })
}
