import type { AbortOptions } from '../base/abort.ts'
import { verbOptions } from '../base/schema.ts'
import { parseProcessFields, processTable } from '../linux/process-table.ts'
import { ownPids } from './own-pids.ts'
import type { ContainersServices } from './services.ts'
import { checkStatus } from './status.ts'
import { requireRecord } from './store.ts'

/** Options of {@link Container.top}. @public */
export interface ContainerTopOptions extends AbortOptions {
  /** The columns by Podman's names (`podman top` calls them descriptors): user, pid, ppid, pcpu, etime, tty, time, args if not given. */
  readonly fields?: readonly string[] | undefined
}

/** The processes of a container: {@link Container.top}. @public */
export interface ContainerTopResult {
  /** A title for each column. */
  readonly titles: readonly string[]
  /** A row for each process, in the order of the titles. */
  readonly processes: readonly (readonly string[])[]
}

const checkOptions = verbOptions<ContainerTopOptions>((z) => ({
  fields: z.array(z.string()).min(1, 'must name at least one column').optional(),
}))

/** The processes of a container, read from its cgroup and /proc: no `ps` is needed in the image. */
export async function containerTop(
  services: ContainersServices,
  id: string,
  options: ContainerTopOptions = {},
): Promise<ContainerTopResult> {
  await checkOptions(options)
  const { fields, signal } = options
  signal?.throwIfAborted()
  const columns = fields && parseProcessFields(fields)
  const record = await requireRecord(services, id)
  checkStatus('top', record)
  const pids = await ownPids(services, record)
  signal?.throwIfAborted()
  return processTable(pids, columns)
}
