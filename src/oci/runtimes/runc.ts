import type { OCIRuntimeFeatures } from '../oci-runtime.ts'

/** What runc says about itself with `--version`. */
export function runcFeatures(text: string): OCIRuntimeFeatures | undefined {
  const version = /^runc version (\S+)/m.exec(text)?.[1]
  if (version === undefined) return undefined
  // An attached exec with a terminal refuses a console socket; it copies between its own terminal and the program's.
  return { version, seccompBpf: false, execConsoleSocket: false, systemdCgroup: true }
}
