import type { CgroupHost } from '../../linux/cgroups/detect.ts'
import type { OCIRuntimeFeatures } from '../oci-runtime.ts'
import { isAtLeast } from './version.ts'

/** What crun says about itself with `--version`. */
export function crunFeatures(text: string): OCIRuntimeFeatures | undefined {
  const version = /^crun version (\S+)/m.exec(text)?.[1]
  if (version === undefined) return undefined
  return {
    version,
    seccompBpf: text.includes('+SECCOMP') && isAtLeast(version, [0, 18]),
    execConsoleSocket: true,
    systemdCgroup: text.includes('+SYSTEMD'),
  }
}

/** Why crun cannot work with this host's cgroups, if so. */
export function crunObstacle(cgroups: CgroupHost): string | undefined {
  if (cgroups.mode !== 'hybrid' || cgroups.unifiedControllers.length === 0) return undefined
  return `cgroups in hybrid mode are not supported by crun while the v2 tree has controllers (${cgroups.unifiedControllers.join(', ')})`
}
