import { join } from 'node:path'
import { LibpodError } from '../base/errors.ts'
import type { StateStore } from '../state/state-store.ts'
import { createMemoryStore } from '../state/stores/memory.ts'
import type { StateOption } from './options.ts'

/** The name under which a root remembers its store. */
export function stateName(option: StateOption): string {
  return typeof option === 'string' ? option : option.name
}

/** Opens the store of a root. Each built-in one is loaded only when it is chosen. */
export async function openState(option: StateOption, root: string): Promise<StateStore> {
  if (typeof option !== 'string') return checkStore(option.name, await option.open(join(root, 'state')))
  switch (option) {
    case 'lmdb':
      return (await import('../state/stores/lmdb.ts')).openLmdbStore({ path: join(root, 'state.mdb') })
    case 'file':
      return (await import('../state/stores/file.ts')).openFileStore({ directory: join(root, 'state') })
    case 'memory':
      return createMemoryStore()
  }
}

/** What a host application hands over is looked at before it is relied on. */
function checkStore(name: string, store: unknown): StateStore {
  const { traits, get, list, commit, close } = (store ?? {}) as Partial<StateStore>
  if (typeof traits === 'object' && [get, list, commit, close].every((method) => typeof method === 'function')) return store as StateStore
  throw new LibpodError(
    'invalid-argument',
    `state: the driver ${name} opened no store.`,
    { path: 'state', value: name },
    { hint: 'Its open() must resolve to a StateStore; the conformance cases in libpod-ts/testing tell what that is.' },
  )
}

/** Opens the live twin under the run root. It is shared as the store is: what only this process can see, only it has to see. */
export async function openLiveState(option: StateOption, runRoot: string): Promise<StateStore> {
  switch (option) {
    case 'memory':
      return createMemoryStore()
    case 'file':
      return (await import('../state/stores/file.ts')).openFileStore({ directory: join(runRoot, 'live') })
    default:
      return (await import('../state/stores/lmdb.ts')).openLmdbStore({ path: join(runRoot, 'live.mdb'), durable: false })
  }
}
