import { LibpodError } from '../../base/errors.ts'
import type { LogDriver } from '../../logs/log-driver.ts'
import type { Monitor } from '../../oci/monitor.ts'
import type { OCIRuntime } from '../../oci/oci-runtime.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'

/** The OCI runtime a container was made with. */
export async function runtimeOf(services: ContainersServices, { name, pins }: ContainerRecord): Promise<OCIRuntime> {
  const all = await services.runtimes()
  return all.find((runtime) => runtime.name === pins.runtime) ?? missing(name, 'OCI runtime', pins.runtime)
}

export function monitorOf(services: ContainersServices, { name, pins }: ContainerRecord): Monitor {
  return services.monitors.get(pins.monitor) ?? missing(name, 'monitor', pins.monitor)
}

export function logDriverOf(services: ContainersServices, { name, pins }: ContainerRecord): LogDriver {
  return services.logDrivers.get(pins.logDriver) ?? missing(name, 'log driver', pins.logDriver)
}

function missing(container: string, what: string, name: string): never {
  throw new LibpodError(
    'unavailable',
    `Container ${container} was made with the ${what} ${name}, which this engine does not have.`,
    { what: name },
    {
      hint: `Install ${name}, or pass it to Runtime.open.`,
    },
  )
}
