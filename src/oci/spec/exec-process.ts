import type { RuntimeProcess } from '../../specs/runtime-spec.ts'
import { boundingOf, processCapabilities } from './capabilities.ts'
import { specProcess } from './generate.ts'
import { envList, processEnv } from './process.ts'
import type { SpecHost } from './spec-host.ts'
import type { NormalizedSpecOptions } from './spec-options.ts'
import { type Accounts, processUser, resolveUser } from './user.ts'

/** What a program in a running container is made of. */
export interface ExecProcessInput {
  readonly command: readonly string[]
  /** The container's own. */
  readonly options: NormalizedSpecOptions
  readonly exec: {
    readonly env?: Readonly<Record<string, string>> | undefined
    /** The container's own user if not given. */
    readonly user?: string | undefined
    readonly workdir?: string | undefined
    readonly tty?: boolean | undefined
    readonly privileged?: boolean | undefined
  }
  readonly accounts: Accounts
  readonly host: SpecHost
}

/**
 * The OCI `process` of an exec: the container's own with another program. Root gets all that the container may have (all that the
 * host has to give, if privileged), the container's own user what its program has, and anyone else nothing.
 */
export function generateExecProcess({ command, options, exec, accounts, host }: ExecProcessInput): RuntimeProcess {
  // Its own user is not the exec's: whether containers can have that is asked below.
  const { ids: _ids, ...anyIds } = host
  const { terminal: _, ...own } = specProcess({ options, accounts, host: anyIds })
  const user = resolveUser({ user: exec.user ?? options.user, groups: options.groups }, accounts)
  // The primary group is always among them, and nobody is told in which order.
  const additionalGids = [...new Set([user.gid, ...user.additionalGids])].sort((a, b) => a - b)
  const env = processEnv({
    options: { ...options, env: { ...options.env, ...exec.env } },
    hostname: options.hostname,
    home: user.home,
    defaults: host.defaults,
    proxies: host.proxies,
  })
  const bounding = boundingOf(exec.privileged ? { ...options, privileged: true } : options, host)
  const isOther = user.uid !== own.user.uid
  return {
    ...own,
    ...(exec.tty ? { terminal: true } : {}),
    user: processUser({ ...user, additionalGids }, host),
    args: command,
    env: envList(env),
    cwd: exec.workdir ?? options.workdir,
    capabilities: processCapabilities(isOther ? { ...options, capAdd: [] } : options, bounding, user.uid, host),
  }
}
