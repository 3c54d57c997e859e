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
}

const initTarget = '/run/podman-init'

export const initShape = (z: Zod) => ({ init: z.boolean().optional() })

export function normalizeInit({ init }: InitOptions, defaults: ContainersSection): NormalizedInit {
  return { init: init ?? defaults.init }
}

/** What is started: the program itself, or the init program with it. */
export function initArgs(args: readonly string[], { init }: NormalizedInit): readonly string[] {
  return init ? [initTarget, '--', ...args] : args
}

/** The init program's mount. Throws `unavailable` where there is none. */
export function initMounts({ init }: NormalizedInit, { initPath }: SpecHost): RuntimeMount[] {
  if (!init) return []
  if (initPath === undefined) {
    throw new LibpodError(
      'unavailable',
      'init: there is no catatonit on this host.',
      { what: 'catatonit', install: 'catatonit' },
      { hint: 'Install the package catatonit, or set init_path in containers.conf.' },
    )
  }
  return [{ destination: initTarget, type: 'bind', source: initPath, options: ['bind', 'ro', 'rprivate'] }]
}
