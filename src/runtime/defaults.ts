import type { Once } from '../base/once.ts'
import type { Transport } from '../images/transport.ts'
import { type DockerTransportOptions, dockerTransport } from '../images/transports/docker/docker-transport.ts'
import type { Helper } from '../linux/helper/helper.ts'
import { k8sFileLogDriver } from '../logs/drivers/k8s-file.ts'
import { noneLogDriver } from '../logs/drivers/none.ts'
import type { LogDriver } from '../logs/log-driver.ts'
import type { NetworkBackend } from '../network/backend.ts'
import { type NetavarkOptions, netavarkBackend } from '../network/backends/netavark/netavark.ts'
import { type PastaOptions, pastaBackend } from '../network/backends/pasta/pasta.ts'
import type { Monitor } from '../oci/monitor.ts'
import { conmonMonitor } from '../oci/monitors/conmon/conmon-monitor.ts'
import type { DirectRunner } from '../oci/monitors/direct/direct-run.ts'
import { directRunner } from '../oci/monitors/direct/direct-runner.ts'
import { type LocalVolumeDriver, type LocalVolumeDriverOptions, localVolumeDriver } from '../volumes/drivers/local.ts'
import type { VolumeDriver } from '../volumes/volume-driver.ts'

/** The built-in plug-ins are named here and nowhere else: a new one is its folder and a line in this file. */
export function builtInLogDrivers(): ReadonlyMap<string, LogDriver> {
  return byName([k8sFileLogDriver(), noneLogDriver()])
}

export function builtInMonitors({ helper, conmonPath }: { readonly helper: Helper; readonly conmonPath: Once<string> }): {
  readonly monitors: ReadonlyMap<string, Monitor>
  readonly direct: DirectRunner
} {
  return { monitors: byName([conmonMonitor({ path: conmonPath, helper })]), direct: directRunner({ helper }) }
}

export function builtInNetworkBackend(options: NetavarkOptions): NetworkBackend {
  return netavarkBackend(options)
}

/** For containers of an ordinary user. */
export function builtInRootlessBackend(options: PastaOptions): NetworkBackend {
  return pastaBackend(options)
}

export function builtInTransports(options: DockerTransportOptions): ReadonlyMap<string, Transport> {
  return byName([dockerTransport(options)])
}

export function builtInVolumeDrivers(options: LocalVolumeDriverOptions): {
  readonly local: LocalVolumeDriver
  readonly all: ReadonlyMap<string, VolumeDriver>
} {
  const local = localVolumeDriver(options)
  return { local, all: byName([local]) }
}

function byName<T extends { readonly name: string }>(plugIns: readonly T[]): ReadonlyMap<string, T> {
  return new Map(plugIns.map((plugIn) => [plugIn.name, plugIn]))
}
