import type { Probe } from '../base/steps.ts'

/**
 * A probe as a text, for programs that tests start: `before:start.commit` or `after:start.commit` kills the process
 * there, at once and without any clean-up.
 */
export function probeFromText(text: string | undefined): Probe | undefined {
  if (text === undefined || text === '') return undefined
  const [wanted, step] = text.split(':')
  return (name, phase) => {
    if (name === step && phase === wanted) process.kill(process.pid, 'SIGKILL')
  }
}
