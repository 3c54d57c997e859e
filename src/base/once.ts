/** Something that is found out at its first use. A failure is not remembered. */
export interface Once<T> {
  (): Promise<T>
  /** Whether it was asked for. */
  readonly asked: boolean
}

/** Calls `find` once, for everybody who asks. */
export function once<T>(find: () => Promise<T>): Once<T> {
  let found: Promise<T> | undefined
  const ask = (): Promise<T> => {
    if (found === undefined) {
      const asked = find()
      found = asked
      asked.catch(() => {
        if (found === asked) found = undefined
      })
    }
    return found
  }
  return Object.defineProperty(ask, 'asked', { get: () => found !== undefined }) as unknown as Once<T>
}
