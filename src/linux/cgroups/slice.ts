import { LibpodError } from '../../base/errors.ts'
import type { RuntimeResources } from '../../specs/runtime-spec.ts'
import { askSystemd, isAlreadyLoaded, type SystemdManager } from './ask-systemd.ts'
import { limitFiles } from './limits.ts'

/**
 * Has systemd make a slice with limits, which stands until {@link dropSlice} or the next boot, also while nothing is in it. One that
 * stands already keeps the limits it was made with.
 */
export async function makeSlice(slice: string, resources: RuntimeResources, manager?: SystemdManager): Promise<void> {
  const properties = sliceProperties(resources)
  const call = ['call', 'org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager', 'StartTransientUnit']
  // Not by set-property: that writes files which only a reload of all of systemd takes back.
  const args = [...call, 'ssa(sv)a(sa(sv))', slice, 'fail', String(properties.length), ...properties.flat(), '0']
  await askSystemd('busctl', args, manager).catch((error: unknown) => {
    if (!isAlreadyLoaded(error)) throw error
  })
}

/** Ends a slice with all that is in it, and has systemd forget it. */
export async function dropSlice(slice: string, manager?: SystemdManager): Promise<void> {
  await askSystemd('systemctl', ['stop', slice], manager)
}

/** Limits as systemd has them on its bus: the name of a property, its type, and its value word by word. */
export function sliceProperties(resources: RuntimeResources): (readonly string[])[] {
  return limitFiles(resources, 2).flatMap(({ file, value }) => propertiesOf(file, value))
}

const numbers: Readonly<Record<string, string>> = {
  'memory.max': 'MemoryMax',
  'memory.high': 'MemoryHigh',
  'memory.low': 'MemoryLow',
  'memory.min': 'MemoryMin',
  'memory.swap.max': 'MemorySwapMax',
  'cpu.weight': 'CPUWeight',
  'pids.max': 'TasksMax',
  'io.weight': 'IOWeight',
}

const sets: Readonly<Record<string, string>> = { 'cpuset.cpus': 'AllowedCPUs', 'cpuset.mems': 'AllowedMemoryNodes' }

/** As systemd writes "no limit". */
const infinity = String(2n ** 64n - 1n)

function propertiesOf(file: string, value: string): (readonly string[])[] {
  if (file === 'cpu.max') return cpuProperties(value)
  const [number, set] = [numbers[file], sets[file]]
  if (number !== undefined) return [[number, 't', value === 'max' ? infinity : value.replace(/^default /, '')]]
  if (set !== undefined) {
    const bytes = bitmask(value)
    return [[set, 'ay', String(bytes.length), ...bytes.map(String)]]
  }
  throw new LibpodError(
    'unsupported',
    `systemd has no property for ${file}.`,
    { what: file },
    { hint: 'Leave it out, or use cgroupfs as the cgroup manager.' },
  )
}

function cpuProperties(value: string): (readonly string[])[] {
  const [quota = 'max', period = '100000'] = value.split(' ')
  const perSecond = quota === 'max' ? infinity : String(Math.round((1_000_000 * Number(quota)) / Number(period)))
  return [
    ['CPUQuotaPerSecUSec', 't', perSecond],
    ['CPUQuotaPeriodUSec', 't', period],
  ]
}

/** `0-2,9` → 7, 2: a bit for each, eight a byte, the lowest first. */
function bitmask(list: string): number[] {
  const bytes: number[] = []
  for (const range of list.split(',')) {
    const [first = 0, last = first] = range.split('-').map(Number)
    for (let at = first; at <= last; at++) {
      while (bytes.length <= at >> 3) bytes.push(0)
      bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7))
    }
  }
  return bytes
}
