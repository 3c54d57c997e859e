import type { Zod } from '../../base/schema.ts'
import type { RuntimeDevice, RuntimeDeviceRule } from '../../specs/runtime-spec.ts'
import type { SpecHost } from './spec-host.ts'

/** Which of the host's devices the container may use. @public */
export interface DeviceOptions {
  /** Devices beyond the harmless ones that every container has. */
  readonly devices?: readonly ContainerDevice[] | undefined
}

/** A device of the host in a container. @public */
export interface ContainerDevice {
  /** Its path on the host; a folder, of `/dev` or another devtmpfs, stands for all devices in it. */
  readonly source: string
  /** Its path in the container; the same if not given. */
  readonly target?: string | undefined
  /** Letters of `r` (read), `w` (write), `m` (make the node): all three if not given. */
  readonly permissions?: string | undefined
}

/** The device options as they are stored. */
export interface NormalizedDevices {
  readonly devices: readonly { readonly source: string; readonly target: string; readonly permissions: string }[]
}

/** A device as it was found on the host, with its place in the container. */
export interface HostDevice {
  /** Its path on the host; that in `device` is the one in the container. */
  readonly source: string
  readonly device: RuntimeDevice
  readonly permissions: string
}

export const deviceShape = (z: Zod) => {
  const path = z.string().startsWith('/', 'must be an absolute path')
  return {
    devices: z
      .array(
        z.strictObject({
          source: path,
          target: path.optional(),
          permissions: z
            .string()
            .regex(/^[rwm]{1,3}$/, 'must be made of the letters r, w and m')
            .optional(),
        }),
      )
      .optional(),
  }
}

export function normalizeDevices({ devices = [] }: DeviceOptions): NormalizedDevices {
  return {
    devices: devices.map(({ source, target, permissions }) => ({ source, target: target ?? source, permissions: permissions ?? 'rwm' })),
  }
}

/** `/dev/sda:/dev/xvda:rw`, as containers.conf writes it. */
export function parseDevice(text: string): ContainerDevice {
  const [source = '', second, third] = text.split(':')
  const target = second?.startsWith('/') ? second : undefined
  const permissions = third ?? (target === undefined ? second : undefined)
  return { source, ...(target === undefined ? {} : { target }), ...(permissions === undefined ? {} : { permissions }) }
}

/** `linux.devices` and the rules of the device cgroup. The runtime itself adds the devices that every container has. */
export function linuxDevices(
  found: readonly HostDevice[],
  { privileged }: { readonly privileged: boolean },
  host: SpecHost,
): { readonly devices?: readonly RuntimeDevice[]; readonly rules?: readonly RuntimeDeviceRule[] } {
  const devices = found.map(({ device }) => device)
  // There is no device cgroup to set in a user namespace, and no node to make: devices are bind mounts there.
  if (host.rootless) return {}
  const rules: RuntimeDeviceRule[] = privileged
    ? [{ allow: true, access: 'rwm' }]
    : [{ allow: false, access: 'rwm' }, ...found.flatMap(({ device, permissions }) => ruleOf(device, permissions))]
  return { ...(devices.length === 0 ? {} : { devices }), rules }
}

function ruleOf({ type, major, minor }: RuntimeDevice, access: string): RuntimeDeviceRule[] {
  if (type !== 'c' && type !== 'b') return []
  return [{ allow: true, type, ...(major === undefined ? {} : { major }), ...(minor === undefined ? {} : { minor }), access }]
}
