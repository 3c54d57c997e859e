/** Looks at what may have just gone: then there is nothing. */
export function ifThere<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}
