import { realpath } from 'node:fs/promises'
import { mountHolding, readMounts } from '../../linux/mount-info.ts'
import type { HostDevice, NormalizedDevices } from './devices.ts'
import { readDevices } from './host-devices.ts'
import type { NormalizedMounts } from './mounts.ts'
import { checkNamespacePaths } from './namespace-paths.ts'
import type { JoinableNamespace, NormalizedNamespaces } from './namespaces.ts'
import type { SpecHost } from './spec-host.ts'
import { unusableSource } from './unusable-source.ts'

/** Things of the host that a container refers to, looked at when it starts. */
export interface HostObjects {
  readonly devices: readonly HostDevice[]
  /** By the source of a bind mount: `nosuid`, `nodev`, `noexec` of the file system it lies on, which the mount in the container must keep. */
  readonly bindFlags: ReadonlyMap<string, readonly string[]>
}

/** What a container has that names nothing on the host. */
export const noHostObjects: HostObjects = { devices: [], bindFlags: new Map() }

const inheritedFlags = ['noexec', 'nosuid', 'nodev']

/** Looks at the devices, bind mounts and namespaces of a container. Throws `invalid-argument`, at the option, for what is none, or not there. */
export async function readHostObjects(
  options: NormalizedMounts & NormalizedDevices & Pick<NormalizedNamespaces, JoinableNamespace> & { readonly privileged: boolean },
  host: SpecHost,
): Promise<HostObjects> {
  await checkNamespacePaths(options)
  const binds = options.mounts.map(({ type, source }, index) => ({ type, source, index })).filter(({ type }) => type === 'bind')
  const usual = host.defaults.devices
  if (binds.length === 0 && options.devices.length === 0 && usual.length === 0 && !options.privileged) return noHostObjects
  const [devices, bindFlags] = await Promise.all([readDevices(options, usual), readBindFlags(binds)])
  return { devices, bindFlags }
}

async function readBindFlags(
  binds: readonly { readonly source: string; readonly index: number }[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (binds.length === 0) return new Map()
  const mounts = await readMounts()
  const flags = new Map<string, readonly string[]>()
  for (const { source, index } of binds) {
    const real = await realpath(source).catch((cause: unknown) => {
      throw unusableSource(`mounts[${index}].source`, source, cause)
    })
    const holding = mountHolding(mounts, real)
    flags.set(
      source,
      inheritedFlags.filter((flag) => holding?.options.includes(flag)),
    )
  }
  return flags
}
