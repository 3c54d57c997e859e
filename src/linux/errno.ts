import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'

/** What a failed system call throws; the same fields as the errors of node:fs. */
export interface SystemError extends NodeJS.ErrnoException {
  readonly code: string
  /** The kernel's number, negated as in Node's own errors. */
  readonly errno: number
  readonly syscall: string
}

/** Error numbers that Node does not name; the same on x64 and arm64. */
const unnamed: Readonly<Record<string, number>> = {
  ENOTBLK: 15,
  ESHUTDOWN: 108,
  EUCLEAN: 117,
  EREMOTEIO: 121,
  ENOMEDIUM: 123,
  EMEDIUMTYPE: 124,
  ENOKEY: 126,
  EKEYEXPIRED: 127,
  EKEYREVOKED: 128,
  EKEYREJECTED: 129,
}

const names = new Map<number, string>()
// Of two names for one number, as EAGAIN and EWOULDBLOCK, Node and we use the one that comes first.
for (const [name, number] of [...Object.entries(constants.errno), ...Object.entries(unnamed)])
  if (!names.has(number)) names.set(number, name)

/** The name of a positive error number, as `EINVAL`. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `E${errno}`
}

/** Makes the error that Node would have thrown for a failed system call. */
export function systemError(errno: number, syscall: string, path?: string): SystemError {
  const code = errnoName(errno)
  const description = getSystemErrorMap().get(-errno)?.[1]
  const message = `${code}: ${description === undefined ? '' : `${description}, `}${syscall}${path === undefined ? '' : ` '${path}'`}`
  return Object.assign(new Error(message), { code, errno: -errno, syscall, ...(path === undefined ? {} : { path }) })
}

/** Whether an error came from a system call that failed with one of these codes. */
export function isErrno(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  if (!(error instanceof Error)) return false
  const { code } = error as NodeJS.ErrnoException
  return code !== undefined && codes.includes(code)
}
