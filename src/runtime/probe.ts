import { existsSync, writeFileSync } from 'node:fs'
import type { Probe } from '../base/steps.ts'

/**
 * A probe as a text, for programs that tests start: `before:start.commit` or `after:start.commit` kills the process
 * there, at once and without any clean-up. A third part is the path of a file to be made first: the test can tell by it, and
 * whoever comes to the same step later, to go on with what was left, lives.
 */
export function probeFromText(text: string | undefined): Probe | undefined {
  if (text === undefined || text === '') return undefined
  const [wanted, step, mark] = text.split(':')
  return (name, phase) => {
    if (name !== step || phase !== wanted) return
    if (mark !== undefined && existsSync(mark)) return
    if (mark !== undefined) writeFileSync(mark, '')
    process.kill(process.pid, 'SIGKILL')
  }
}
