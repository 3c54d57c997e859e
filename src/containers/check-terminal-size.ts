import { LibpodError } from '../base/errors.ts'

/** Refuses what is no size of a terminal. */
export function checkTerminalSize(size: { readonly rows: number; readonly columns: number }): void {
  for (const path of ['rows', 'columns'] as const) {
    const value: unknown = size?.[path]
    if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535) continue
    throw new LibpodError('invalid-argument', `${path}: must be a whole number of characters, from 1 to 65535.`, { path, value })
  }
}
