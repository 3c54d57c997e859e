import { relative } from 'node:path'

/** Whether neither of two absolute paths is the other, or lies in it. Looks at the names alone: whoever fears links gives real paths. */
export function areApart(a: string, b: string): boolean {
  return [relative(a, b), relative(b, a)].every((way) => way === '..' || way.startsWith('../'))
}
