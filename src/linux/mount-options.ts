import { LibpodError } from '../base/errors.ts'
import { mountAt, readMountsSync } from './mount-info.ts'

/** What mount(2) is called with. */
export interface MountArguments {
  readonly flags: number
  /** What is meant for the file system itself. */
  readonly data: string | undefined
  /** One further call each. */
  readonly propagation: readonly number[]
  readonly bind: boolean
}

const MS_REC = 0x4000
const bindFlags = { bind: 0x1000, rbind: 0x1000 | MS_REC } as const

const setting: Readonly<Record<string, number>> = {
  ro: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  sync: 0x10,
  remount: 0x20,
  mand: 0x40,
  dirsync: 0x80,
  nosymfollow: 0x100,
  noatime: 0x400,
  nodiratime: 0x800,
  silent: 0x8000,
  relatime: 0x200000,
  strictatime: 0x1000000,
  lazytime: 0x2000000,
}

const clearing: Readonly<Record<string, number>> = {
  rw: 0x1,
  suid: 0x2,
  dev: 0x4,
  exec: 0x8,
  async: 0x10,
  nomand: 0x40,
  symfollow: 0x100,
  atime: 0x400,
  diratime: 0x800,
  loud: 0x8000,
  norelatime: 0x200000,
  nostrictatime: 0x1000000,
  nolazytime: 0x2000000,
}

const propagating: Readonly<Record<string, number>> = {
  unbindable: 0x20000,
  runbindable: 0x20000 | MS_REC,
  private: 0x40000,
  rprivate: 0x40000 | MS_REC,
  slave: 0x80000,
  rslave: 0x80000 | MS_REC,
  shared: 0x100000,
  rshared: 0x100000 | MS_REC,
}

/** Sorts options as `mount -o` takes them into what mount(2) takes. */
export function parseMountOptions(spec: {
  readonly type: string
  readonly target: string
  readonly options: readonly string[]
}): MountArguments {
  let flags = 0
  let bind = spec.type === 'bind'
  if (bind) flags |= bindFlags.bind
  const data: string[] = []
  const propagation: number[] = []
  for (const option of spec.options) {
    if (option === '' || option === 'defaults') continue
    const [set, clear, change] = [setting[option], clearing[option], propagating[option]]
    if (set !== undefined) flags |= set
    else if (clear !== undefined) flags &= ~clear
    else if (change !== undefined) propagation.push(change)
    else if (option === 'bind' || option === 'rbind') {
      flags |= bindFlags[option]
      bind = true
    } else data.push(option)
  }
  // The kernel would ignore them without a word, and a `rro` that is ignored leaves something writable.
  if (bind && data.length > 0) throw unknownBindOption(spec.target, data)
  return { flags, data: data.length === 0 ? undefined : data.join(','), propagation, bind }
}

/** The restrictions that a mount has now, as flags. */
export function lockedFlags(target: string): number {
  const options = mountAt(readMountsSync(), target)?.options ?? []
  return options.reduce((flags, option) => flags | (setting[option] ?? 0), 0)
}

function unknownBindOption(target: string, options: readonly string[]): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `The bind mount at ${target} has options that bind mounts do not know: ${options.join(', ')}.`,
    { path: 'options', value: options },
    { hint: 'A bind mount takes flags (ro, nosuid, nodev, noexec, …) and propagation (rprivate, rslave, …) only.' },
  )
}
