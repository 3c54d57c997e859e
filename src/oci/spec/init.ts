import { LibpodError } from '../../base/errors.ts'
import type { Zod } from '../../base/schema.ts'
import type { ContainersSection } from '../../config/containers-conf.ts'
import type { RuntimeMount } from '../../specs/runtime-spec.ts'
import type { SpecHost } from './spec-host.ts'

/** A first process that reaps the dead. @public */
export interface InitOptions {
  /** Run the program under catatonit, which passes signals on and reaps orphans. */
  readonly init?: boolean | undefined
}

/** The option as it is stored. */
export interface NormalizedInit {
  readonly init: boolean
  /** The init program runs alone and waits: the container is there for its namespaces. */
  readonly pause?: true
}

const initTarget = '/run/podman-init'

export const initShape = (z: Zod) => ({ init: z.boolean().optional() })

export function normalizeInit({ init }: InitOptions, defaults: ContainersSection): NormalizedInit {
  return { init: init ?? defaults.init }
}

/** What is started: the program itself, or the init program with it. */
export function initArgs(args: readonly string[], { init, pause }: NormalizedInit): readonly string[] {
  if (pause) return [initTarget, '-P']
  return init ? [initTarget, '--', ...args] : args
}

/** The init program's mount. Throws `unavailable` where there is none. */
export function initMounts({ init, pause }: NormalizedInit, host: Pick<SpecHost, 'initPath'>): RuntimeMount[] {
  if (!init && !pause) return []
  const source = requireInitPath(host, pause ? 'infra' : 'init')
  return [{ destination: initTarget, type: 'bind', source, options: ['bind', 'ro', 'rprivate'] }]
}

/** The init program of this host, for an option that needs it. */
export function requireInitPath({ initPath }: Pick<SpecHost, 'initPath'>, option: string): string {
  if (initPath !== undefined) return initPath
  throw new LibpodError(
    'unavailable',
    `${option}: there is no catatonit on this host.`,
    { what: 'catatonit', install: 'catatonit' },
    { hint: 'Install the package catatonit, or set init_path in containers.conf.' },
  )
}
