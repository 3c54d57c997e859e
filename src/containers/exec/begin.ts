import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AbortOptions } from '../../base/abort.ts'
import { randomHex } from '../../base/crypto.ts'
import { isErrno } from '../../linux/errno.ts'
import { mapFsError } from '../../linux/fs/disk.ts'
import { unlinkIfThereSync } from '../../linux/fs/unlink.ts'
import type { TerminalSize } from '../../linux/pty.ts'
import type { OCIExec, OCIExecTerminal, OCIRuntime } from '../../oci/oci-runtime.ts'
import { generateExecProcess } from '../../oci/spec/exec-process.ts'
import { accountsOf } from '../create/accounts.ts'
import { runtimeOf } from '../lifecycle/pins.ts'
import { bundleOf } from '../places.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { checkStatus } from '../status.ts'
import { requireRecord } from '../store.ts'
import { subjectOf } from '../subject.ts'
import { failedExec } from './ended-meanwhile.ts'
import type { ExecProcessOptions } from './options.ts'

/** An exec that is prepared but not yet started: its files lie in the bundle. */
export interface PreparedExec {
  readonly record: ContainerRecord
  readonly runtime: OCIRuntime
  /** Starts it with these file descriptors. */
  run(stdio: readonly [number, number, number], tty?: OCIExecTerminal): Promise<OCIExec>
  /** A path in the bundle for a socket of this exec. */
  readonly socketPath: string
  /** Tells of the end and removes the files. Never rejects: how the program ended is known, and that is what its caller is told. */
  finish(exitCode: number | undefined): Promise<void>
}

/** Writes the OCI `process` of an exec. No lock is taken: a container that ends meanwhile makes the exec fail. */
export async function prepareExec(
  services: ContainersServices,
  id: string,
  command: readonly string[],
  options: ExecProcessOptions & AbortOptions & { readonly terminal?: TerminalSize | undefined },
): Promise<PreparedExec> {
  services.closer.check()
  services.beginGracePeriod()
  const record = await requireRecord(services, id)
  checkStatus('exec', record)
  const runtime = await runtimeOf(services, record)
  const accounts = await unlessGone(services, record, () => accountsOf(services, record))
  const { env, user, workdir, privileged, terminal, signal } = options
  const spec = generateExecProcess({
    command,
    options: record.options,
    exec: { env, user, workdir, privileged, tty: terminal !== undefined },
    accounts,
    host: await services.host(),
  })
  const stem = join(bundleOf(services.places, id), `exec-${randomHex(6)}`)
  const processFile = `${stem}.json`
  const pidFile = `${stem}.pid`
  // Without it a program that asks at once would see a terminal of no size: the runtime sets it only after the start.
  const size = terminal === undefined ? {} : { consoleSize: { height: terminal.rows, width: terminal.columns } }
  // A small file on tmpfs is written sooner than a thread of the pool is there to do it.
  try {
    await unlessGone(services, record, () => writeFileSync(processFile, JSON.stringify({ ...spec, ...size }), { mode: 0o600 }))
  } catch (error) {
    throw mapFsError(error, processFile)
  }
  return {
    record,
    runtime,
    socketPath: `${stem}.sock`,
    async run(stdio, console) {
      const exec = await runtime.exec(id, {
        processFile,
        pidFile,
        stdio,
        ...(console === undefined ? {} : { tty: console }),
        ...(signal ? { signal } : {}),
      })
      try {
        await services.emit({ ...subjectOf(record), action: 'exec', attributes: { ...record.options.labels, command: command.join(' ') } })
      } catch (error) {
        // Nobody will know of it.
        await exec.kill(9).catch(() => {})
        throw error
      }
      const exited = exec.exited.catch(async (error: unknown) => {
        throw await failedExec(services, record, error)
      })
      exited.catch(() => {})
      return { pid: exec.pid, programPid: () => exec.programPid(), exited, kill: (number) => exec.kill(number) }
    },
    async finish(exitCode) {
      try {
        for (const file of [processFile, pidFile]) unlinkIfThereSync(file)
        if (exitCode !== undefined) await services.emit({ ...subjectOf(record), action: 'exec_died', exitCode })
      } catch (error) {
        services.logger.warn(`Finishing an exec in container ${record.name}: ${String(error)}`)
      }
    },
  }
}

/** Without its files it has gone meanwhile, or has not begun, as a container of `run()`. */
async function unlessGone<T>(services: ContainersServices, record: ContainerRecord, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    const { state } = await requireRecord(services, record.id)
    checkStatus('exec', { ...record, state: { ...state, status: state.status === 'running' ? 'created' : state.status } })
    throw error
  }
}
