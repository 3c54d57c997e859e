import { LibpodError } from '../../base/errors.ts'

/** How a runtime program ended, and what it logged. */
export interface RuntimeOutcome {
  readonly code: number | null
  readonly signal: string | null
  /** Its log: JSON lines, and whatever else it wrote to stderr. */
  readonly log: string
}

/** The last error in a log of JSON lines (the last one is the sum of those before); `undefined` if there is none. */
export function loggedError(log: string): string | undefined {
  const lines = log.split('\n').filter((line) => line.startsWith('{'))
  for (const line of lines.reverse()) {
    const { level, msg } = parseLine(line)
    if ((level === 'error' || level === 'fatal') && typeof msg === 'string') return msg
  }
  return undefined
}

/** What the program said about its failure: its logged error, else its last words. */
export function failureMessage({ code, signal, log }: RuntimeOutcome): string {
  const words = log
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{'))
    .slice(-5)
    .join('\n')
    .trim()
  return (
    loggedError(log) ?? (words !== '' ? words : signal === null ? `it ended with ${code} and said nothing` : `it was killed by ${signal}`)
  )
}

/** Where a runtime begins to speak of the program; runc begins every sentence of its `exec` with "exec failed". */
const ofProgram = /(?:^|: )(?:exec\b(?! failed)|open executable\b|executable file\b)(.*)$/ims

/**
 * 126: the program may not be executed; 127: it is not there. Runtimes say so only in words, and the same words of mounts, namespaces and
 * whatever else a container is made of.
 */
export function programExitCode(message: string): 126 | 127 | undefined {
  if (/exec format error/i.test(message)) return 126
  const words = ofProgram.exec(message)?.[1] ?? ''
  // crun says of a folder that opening it is not permitted.
  if (/permission denied|is a directory|operation not permitted/i.test(words)) return 126
  if (/no such file or directory|not found/i.test(words)) return 127
  return undefined
}

/** Makes the error of a failed call. `runs` tells that the call was to run a program, so that 126 and 127 apply. */
export function runtimeFailed(
  { name, verb, argv, runs }: { readonly name: string; readonly verb: string; readonly argv: readonly string[]; readonly runs: boolean },
  outcome: RuntimeOutcome,
): LibpodError<'command-failed'> {
  const message = failureMessage(outcome)
  const exitCode = (runs ? programExitCode(message) : undefined) ?? outcome.code
  const hint = runs ? hints[String(exitCode)] : undefined
  return new LibpodError(
    'command-failed',
    `${name} ${verb} failed: ${message}.`,
    { argv, exitCode, ...(outcome.signal === null ? {} : { signal: outcome.signal }), stderr: message },
    hint === undefined ? {} : { hint },
  )
}

const hints: Readonly<Record<string, string>> = {
  126: 'Check that the program is executable by the user it is to run as, and made for this architecture.',
  127: 'Check that the program and the paths that it is given are there, inside the container.',
}

function parseLine(line: string): { readonly level?: unknown; readonly msg?: unknown } {
  try {
    return JSON.parse(line) as { level?: unknown; msg?: unknown }
  } catch {
    return {}
  }
}
