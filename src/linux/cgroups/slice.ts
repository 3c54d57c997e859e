import { LibpodError } from '../../base/errors.ts'
import type { RuntimeResources } from '../../specs/runtime-spec.ts'
import { findProgram } from '../process/find-program.ts'
import { runProgram } from '../process/run-program.ts'
import { limitFiles } from './limits.ts'

/** Has systemd limit a slice, until the next boot or {@link dropSlice}. The slice need not be there yet. */
export async function limitSlice(slice: string, resources: RuntimeResources): Promise<void> {
  const properties = sliceProperties(resources)
  if (properties.length > 0) await systemctl(['set-property', '--runtime', slice, ...properties])
}

/** Ends a slice with all that is in it, and has systemd forget its limits. */
export async function dropSlice(slice: string): Promise<void> {
  await systemctl(['stop', slice])
  await systemctl(['revert', slice])
}

/** Limits as systemd.resource-control(5) has them. */
export function sliceProperties(resources: RuntimeResources): string[] {
  return limitFiles(resources, 2).map(({ file, value }) => propertyOf(file, value))
}

const properties: Readonly<Record<string, string>> = {
  'memory.max': 'MemoryMax',
  'memory.high': 'MemoryHigh',
  'memory.low': 'MemoryLow',
  'memory.min': 'MemoryMin',
  'memory.swap.max': 'MemorySwapMax',
  'cpu.weight': 'CPUWeight',
  'cpuset.cpus': 'AllowedCPUs',
  'cpuset.mems': 'AllowedMemoryNodes',
  'pids.max': 'TasksMax',
  'io.weight': 'IOWeight',
}

function propertyOf(file: string, value: string): string {
  if (file === 'cpu.max') {
    const [quota = 'max', period = '100000'] = value.split(' ')
    return quota === 'max' ? 'CPUQuota=' : `CPUQuota=${Math.max(1, Math.round((100 * Number(quota)) / Number(period)))}%`
  }
  const name = properties[file]
  if (name !== undefined) return `${name}=${value === 'max' ? 'infinity' : value.replace(/^default /, '')}`
  throw new LibpodError(
    'unsupported',
    `systemd has no property for ${file}.`,
    { what: file },
    { hint: 'Leave it out, or use cgroupfs as the cgroup manager.' },
  )
}

async function systemctl(args: readonly string[]): Promise<void> {
  const file = await findProgram('systemctl')
  if (file === undefined) throw new LibpodError('unavailable', 'There is no systemctl on this host.', { what: 'systemctl' })
  const { code, signal, stderr } = await runProgram({ file, args, env: { LC_ALL: 'C' }, timeoutMs: 30_000 })
  if (code === 0) return
  const text = stderr.toString('utf8').trim()
  throw new LibpodError('command-failed', `systemctl ${args.join(' ')} failed: ${text === '' ? `exit code ${String(code)}` : text}`, {
    argv: [file, ...args],
    exitCode: code,
    ...(signal === null ? {} : { signal: String(signal) }),
    stderr: text,
  })
}
