import { LibpodError } from '../../base/errors.ts'
import { isNamespaceFile } from '../../linux/namespace-file.ts'
import { type JoinableNamespace, joinableNamespaces, type NormalizedNamespaces } from './namespaces.ts'

/** As the kernel names them, in `/proc/<pid>/ns`. */
const kinds: Readonly<Record<JoinableNamespace, string>> = { network: 'net', pid: 'pid', ipc: 'ipc', uts: 'uts', cgroupns: 'cgroup' }

/**
 * Looks at the namespaces that a container's options name by a path. Throws `invalid-argument`, at the option, for what is none: the runtime
 * would open it, and wait at a fifo for ever. Of what is not there, or may not be looked at, the runtime tells itself.
 */
export async function checkNamespacePaths(options: Pick<NormalizedNamespaces, JoinableNamespace>): Promise<void> {
  await Promise.all(
    joinableNamespaces.map(async (name) => {
      const mode = options[name]
      if (typeof mode === 'object' && 'path' in mode && (await isNamespaceFile(mode.path)) === false) throw noNamespace(name, mode.path)
    }),
  )
}

function noNamespace(name: JoinableNamespace, value: string): LibpodError {
  const path = `${name}.path`
  return new LibpodError(
    'invalid-argument',
    `${path}: ${value} is not a namespace.`,
    { path, value },
    { hint: `Give the file of one, as /proc/1234/ns/${kinds[name]}, or a file that it is mounted on.` },
  )
}
