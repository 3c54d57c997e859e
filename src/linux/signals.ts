import { LibpodError } from '../base/errors.ts'

/** The signals of Linux on x64 and arm64, and every other architecture that containers run on but MIPS. */
export const signalNumbers = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
} as const

const aliases: Readonly<Record<string, number>> = {
  ...signalNumbers,
  SIGIOT: signalNumbers.SIGABRT,
  SIGCLD: signalNumbers.SIGCHLD,
  SIGPOLL: signalNumbers.SIGIO,
  SIGUNUSED: signalNumbers.SIGSYS,
}

const names = new Map<number, string>(Object.entries(signalNumbers).map(([name, number]) => [number, name]))

/** The real-time signals as programs see them: libc keeps the first two for itself. */
const SIGRTMIN = 34
const SIGRTMAX = 64

/**
 * Reads a signal as people write it: `SIGTERM`, `term`, `15`, `SIGRTMIN+3`, `RTMAX-1`. `path` names the option it came from.
 */
export function parseSignal(signal: string | number, path: string): number {
  const number = typeof signal === 'string' ? parseText(signal.trim().toUpperCase()) : signal
  if (number !== undefined && Number.isInteger(number) && number >= 1 && number <= SIGRTMAX) return number
  throw new LibpodError(
    'invalid-argument',
    `${path}: ${JSON.stringify(signal)} is no signal.`,
    { path, value: signal },
    { hint: `Use a name such as SIGTERM or SIGRTMIN+3, or a number from 1 to ${SIGRTMAX}.` },
  )
}

/** The name of a signal, as `SIGTERM` or `SIGRTMIN+3`. */
export function signalName(number: number): string {
  const name = names.get(number)
  if (name !== undefined) return name
  if (number < SIGRTMIN || number > SIGRTMAX) return `SIG${number}`
  return number === SIGRTMIN ? 'SIGRTMIN' : number === SIGRTMAX ? 'SIGRTMAX' : `SIGRTMIN+${number - SIGRTMIN}`
}

function parseText(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text)
  const name = text.startsWith('SIG') ? text : `SIG${text}`
  if (Object.hasOwn(aliases, name)) return aliases[name]
  const [, base, offset = '0'] = /^SIG(RTMIN|RTMAX)([+-]\d+)?$/.exec(name) ?? []
  if (base === undefined) return undefined
  const number = (base === 'RTMIN' ? SIGRTMIN : SIGRTMAX) + Number(offset)
  return number >= SIGRTMIN && number <= SIGRTMAX ? number : undefined
}
