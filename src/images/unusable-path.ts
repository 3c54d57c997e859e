import { isLibpodError, LibpodError } from '../base/errors.ts'
import { isErrno } from '../linux/errno.ts'
import { mapFsError } from '../linux/fs/disk.ts'

/** A path that the caller gave, and what was to be done with it. */
interface GivenPath {
  /** The option or argument that it was given as. */
  readonly option: 'path' | 'source'
  readonly path: string
  readonly verb: 'read' | 'written'
  /** Which path would do. */
  readonly hint: string
}

/** What is told when a system call failed with a path of the caller's, and it is not simply missing. */
export function unusablePath(error: unknown, { option, path, verb, hint }: GivenPath): Error {
  const mapped = mapFsError(error, path)
  if (isLibpodError(mapped)) return mapped
  const { code, syscall } = mapped as NodeJS.ErrnoException
  if (syscall === undefined) return mapped
  if (isErrno(mapped, ...faultsOfTheMachine))
    return new LibpodError(
      'unavailable',
      `${path} cannot be ${verb} now (${code}).`,
      { what: path },
      { cause: error, hint: 'The path is not at fault: see the limit of open files (ulimit -n), memory, and what dmesg says of the disk.' },
    )
  return new LibpodError(
    'invalid-argument',
    `${option}: ${path} cannot be ${verb} (${code}).`,
    { path: option, value: path },
    { cause: error, hint },
  )
}

const faultsOfTheMachine = ['EIO', 'EMFILE', 'ENFILE', 'ENOMEM']
