import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'

/** The file to start for a program of the tests, compiled by compile-programs.ts, given where its source lies. */
export function compiled(program: URL): string {
  return join(inject('programs'), relative(resolve('src'), fileURLToPath(program)).replace(/\.ts$/, '.js'))
}
