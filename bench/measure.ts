import type { BenchOptions } from './arguments.ts'
import type { Row } from './bench.ts'
import { openBench } from './open-bench.ts'
import type { Result } from './result.ts'
import { rows } from './rows/index.ts'
import type { ViewName } from './views.ts'
import { workspaceAt } from './workspace.ts'

/** What the process that measures is told by the one that began. */
export interface Order {
  readonly options: BenchOptions
  readonly workspace: string
  readonly view: ViewName
  readonly ociRuntime: string
  /** The rows that make no difference to the OCI runtime are done here. */
  readonly first: boolean
}

/** What it tells. */
export type Report =
  | { readonly type: 'opened'; readonly versions: string }
  | { readonly type: 'result'; readonly result: Result }
  | { readonly type: 'failed'; readonly message: string }

/** The rows that an order asks for. */
export function rowsOf({ options, view, first }: Omit<Order, 'workspace'>): Row[] {
  const here = rows.filter(({ when }) => (when === 'once' ? first : when.includes(view)))
  return here.filter(({ name }) => options.only.length === 0 || options.only.includes(name))
}

/** Measures the rows, in a process of its own that sees the machine as it was started to. */
export async function measure(order: Order, signal: AbortSignal, tell: (report: Report) => void): Promise<void> {
  const say = (text: string): void => void process.stderr.write(`  ${text}\n`)
  const bench = await openBench({ ...order, workspace: workspaceAt(order.workspace), signal, say })
  try {
    const podman = bench.podman === undefined ? 'no podman' : `podman ${bench.podman.version}`
    tell({ type: 'opened', versions: `${bench.oci.name} ${bench.oci.version}, ${podman}` })
    for (const row of rowsOf(order)) {
      signal.throwIfAborted()
      say(row.name)
      for (const result of await row.run(bench)) tell({ type: 'result', result })
    }
  } finally {
    await bench.close()
  }
}
