import { endianness } from 'node:os'
import { LibpodError } from '../base/errors.ts'
import { comparisonSize } from './native/libseccomp.ts'
import type { SeccompArgument } from './seccomp-profile.ts'

const EPERM = 1

/** What the two actions carry that can carry something. */
const carrying: Readonly<Record<string, number>> = { SCMP_ACT_ERRNO: 0x00050000, SCMP_ACT_TRACE: 0x7ff00000 }

const plain: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: 0x00000000,
  SCMP_ACT_KILL_THREAD: 0x00000000,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
}

const operators: Readonly<Record<string, number>> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
}

/** The number of an action. */
export function actionOf(name: string, errnoRet: number | undefined, path: string): number {
  const carrier = carrying[name]
  if (carrier !== undefined) return (carrier | ((errnoRet ?? EPERM) & 0xffff)) >>> 0
  const action = plain[name]
  if (action === undefined) throw invalid(`${JSON.stringify(name)} is not a seccomp action`, path, name)
  if (errnoRet !== undefined) throw invalid(`the action ${name} takes no errno`, path, errnoRet)
  return action
}

/**
 * The comparisons of a rule as libseccomp takes them. Those of different arguments must all hold; when one argument occurs twice, each
 * comparison is a rule of its own, as runc and crun have it.
 */
export function comparisonsOf(args: readonly SeccompArgument[], path: string): Buffer[] {
  // No system call has more arguments, and the runtimes look no further.
  const rows = args.slice(0, 6).map((argument, index) => comparisonOf(argument, `${path}.args[${index}]`))
  const twice = new Set(args.slice(0, 6).map(({ index }) => index)).size < rows.length
  return twice ? rows : [Buffer.concat(rows)]
}

function comparisonOf({ index, value, valueTwo = 0, op }: SeccompArgument, path: string): Buffer {
  const operator = operators[op]
  if (operator === undefined) throw invalid(`${JSON.stringify(op)} is not a seccomp operator`, `${path}.op`, op)
  if (!Number.isInteger(index) || index < 0 || index > 5) throw invalid('a system call has arguments 0 to 5', `${path}.index`, index)
  const row = Buffer.alloc(comparisonSize)
  const [write32, write64] =
    endianness() === 'LE'
      ? [row.writeUInt32LE.bind(row), row.writeBigUInt64LE.bind(row)]
      : [row.writeUInt32BE.bind(row), row.writeBigUInt64BE.bind(row)]
  write32(index, 0)
  write32(operator, 4)
  write64(BigInt.asUintN(64, BigInt(value)), 8)
  write64(BigInt.asUintN(64, BigInt(valueTwo)), 16)
  return row
}

function invalid(what: string, path: string, value: unknown): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `The seccomp profile is not valid at ${path}: ${what}.`,
    { path, value },
    { hint: 'See the section on seccomp of the OCI runtime specification.' },
  )
}
