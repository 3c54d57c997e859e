import { libc } from '../../../linux/native/libc.ts'
import { reactor } from '../../../linux/reactor.ts'

/** What conmon says when the runtime has created the container, or failed to. */
export type ConmonReport = { readonly pid: number } | { readonly failed: { readonly message: string } }

/** Reads conmon's one line from its sync pipe; the descriptor does not block and stays the caller's. `undefined`: conmon ended without a word. */
export function readReport(fd: number): { readonly report: Promise<ConmonReport | undefined>; close(): void } {
  let text = ''
  let settle: (report: ConmonReport | undefined) => void = () => {}
  let fail: (error: unknown) => void = () => {}
  const report = new Promise<ConmonReport | undefined>((resolve, reject) => {
    settle = resolve
    fail = reject
  })
  const data = Buffer.alloc(4096)
  const watch = reactor().watch(fd, 'read', () => {
    try {
      const count = libc().read(fd, data)
      if (count === undefined) return
      text += data.toString('utf8', 0, count)
      const end = text.indexOf('\n')
      if (end < 0 && count > 0) return
      watch.close()
      settle(parseReport(end < 0 ? text : text.slice(0, end)))
    } catch (error) {
      watch.close()
      fail(error)
    }
  })
  return { report, close: () => watch.close() }
}

export function parseReport(line: string): ConmonReport | undefined {
  try {
    const { data, pid, message } = JSON.parse(line) as { data?: number; pid?: number; message?: string }
    const number = data ?? pid
    if (number === undefined) return undefined
    return number > 0 ? { pid: number } : { failed: { message: message ?? '' } }
  } catch {
    return undefined
  }
}
