import { join } from 'node:path'

/** What the script that monitors call needs to know; it is written anew by every engine that opens the root. */
export interface ExitScriptOptions {
  readonly runRoot: string
  /** The programs of today's host: Node, and the clean-up program of this package. */
  readonly node: string
  readonly cleanup: string
}

/** The script's path: `/bin/sh <this> ID` is every monitor's exit command. */
export function exitScriptPath(runRoot: string): string {
  return join(runRoot, 'exit.sh')
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/**
 * A container has ended. Whoever serves the root will see its exit file; where nobody does, this takes the duty lock
 * and runs the clean-up program with it (descriptor 9). It gives whoever serves a moment first: asking for the lock takes a program, and
 * when that has done its work there is nothing to ask. A probe for "is somebody there" that is refused may have met
 * another prober, so it looks again while the exit file is there. Programs that are gone by now leave the rest to the next engine.
 */
export function exitScript({ runRoot, node, cleanup }: ExitScriptOptions): string {
  return `#!/bin/sh
exit_file=${quote(join(runRoot, 'exits'))}/$1
exec 9>>${quote(join(runRoot, 'duty.lock'))}
for pause in 0.05 0.05 0.2 1 5; do
  sleep "$pause"
  [ -e "$exit_file" ] || exit 0
  if flock -n 9; then
    [ -x ${quote(node)} ] && [ -r ${quote(cleanup)} ] || exit 0
    exec ${quote(node)} ${quote(cleanup)} ${quote(runRoot)} 9
  fi
done
`
}
