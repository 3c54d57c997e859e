import { describe, expect, it } from 'vitest'
import { failureMessage, loggedError, programExitCode, runtimeFailed } from './failure.ts'

const outcome = (log: string, code: number | null = 1): { code: number | null; signal: string | null; log: string } => ({
  code,
  signal: null,
  log,
})

describe('what a runtime says', () => {
  it('is its last logged error, not its warnings', () => {
    const log = '{"level":"error","msg":"first"}\n{"level":"error","msg":"sum"}\n{"level":"warning","msg":"later"}\nplain\n'
    expect(loggedError(log)).toBe('sum')
    expect(failureMessage(outcome(log))).toBe('sum')
  })

  it('is its last words when it logged nothing, and silence is told', () => {
    expect(failureMessage(outcome('panic: oh\n'))).toBe('panic: oh')
    expect(failureMessage(outcome(''))).toContain('said nothing')
    expect(failureMessage({ code: null, signal: 'SIGKILL', log: '{torn' })).toBe('it was killed by SIGKILL')
  })
})

describe('programExitCode', () => {
  it.each([
    ['exec: "/bin/nope": stat /bin/nope: no such file or directory', 127],
    ['executable file `x` not found in $PATH: No such file or directory', 127],
    ['exec: "x": executable file not found in $PATH', 127],
    ['exec /bin/x: permission denied', 126],
    ['exec /bin: is a directory', 126],
    ['exec format error', 126],
    ['something else', undefined],
    ['exec failed: unable to start container process: exec: "/bin/nope": stat /bin/nope: no such file or directory', 127],
    ['exec failed: unable to start container process: exec: "/etc/x/sleep": stat /etc/x/sleep: permission denied', 126],
    ['exec: No such file or directory', 127],
    ['exec container process (missing dynamic library?) `/bin/x`: No such file or directory', 127],
    ['exec container process `/bin/x`: Exec format error', 126],
    ['open executable: Permission denied', 126],
    ['open executable: Operation not permitted', 126],
    ['mkdir `/proc/x`: No such file or directory', undefined],
    ['open `/nope`: No such file or directory', undefined],
    ['runc run failed: unable to create new parent process: namespace path: lstat /nope: no such file or directory', undefined],
    ['exec failed: unable to start container process: chdir to cwd ("/x") set in config.json failed: permission denied', undefined],
    ['cannot mkdir `proc`: Permission denied', undefined],
  ])('%s → %s', (message, code) => {
    expect(programExitCode(message)).toBe(code)
  })

  it('is told only of calls that run a program', () => {
    const log = '{"level":"error","msg":"exec: no such file or directory"}'
    const call = { name: 'runc', verb: 'x', argv: ['runc'] }
    expect(runtimeFailed({ ...call, runs: true }, outcome(log)).details.exitCode).toBe(127)
    expect(runtimeFailed({ ...call, runs: false }, outcome(log)).details.exitCode).toBe(1)
  })
})
