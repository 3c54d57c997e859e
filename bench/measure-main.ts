import { measure, type Order, type Report } from './measure.ts'

// Measures in one view of the machine; started by run.ts, which tells the order and hears the reports.
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort(new Error('interrupted')))
process.once('disconnect', () => interrupted.abort(new Error('nobody listens any more')))

process.once('message', (order: Order) => {
  const tell = (report: Report): void => void (process.connected && process.send?.(report))
  measure(order, interrupted.signal, tell)
    .catch((error: unknown) => {
      tell({ type: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) })
      process.exitCode = 1
    })
    .finally(() => {
      if (process.connected) process.disconnect()
    })
})
