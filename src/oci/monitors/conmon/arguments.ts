import type { MonitorPlan } from '../../monitor.ts'
import { bundleFiles } from '../bundle-files.ts'

/** The descriptors that conmon is started with, beside its stdio. */
export const conmonPipes = { sync: 3, start: 4 } as const

/** conmon's environment: what the engine gives, and where the pipes are. */
export function conmonEnvironment({ env }: MonitorPlan): Record<string, string> {
  return { ...env, _OCI_SYNCPIPE: String(conmonPipes.sync), _OCI_STARTPIPE: String(conmonPipes.start) }
}

/** conmon's command line for creating a container. */
export function conmonArguments(plan: MonitorPlan): string[] {
  const { id, bundle, runtime, exitCommand = [] } = plan
  const files = bundleFiles(plan)
  const [exitProgram, ...exitArgs] = exitCommand
  return [
    '--api-version',
    ...['-c', id, '-u', id, '-n', plan.name],
    ...['-r', runtime.path, '-b', bundle, '-p', files.pid],
    ...['--exit-dir', plan.exitsDir, '--persist-dir', bundle, '--full-attach'],
    // It forks only once: so its pid is known from the start, and the helper sees its end.
    '--sync',
    // A sync of the log's disk costs 100 ms and more at every exit. The log outlives the host all the same, only not a power cut in the same seconds.
    '--no-sync-log',
    ...plan.logArgs,
    ...[...runtime.args, '--log-format=json', '--log', files.runtimeLog].flatMap((arg) => ['--runtime-arg', arg]),
    ...(plan.systemdCgroup ? ['-s'] : []),
    // With a terminal there is one stream both ways; `-i` would make it end with the first client that leaves.
    ...(plan.terminal ? ['-t'] : plan.stdin ? ['-i'] : []),
    ...(exitProgram === undefined ? [] : ['--exit-command', exitProgram, ...exitArgs.flatMap((arg) => ['--exit-command-arg', arg])]),
  ]
}
