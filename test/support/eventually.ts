import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves when a look at things no longer fails. */
export async function eventually<T>(look: () => T | Promise<T>, timeoutMs = 5000): Promise<T> {
  const end = Date.now() + timeoutMs
  for (;;) {
    try {
      return await look()
    } catch (error) {
      if (Date.now() > end) throw error
      await sleep(25)
    }
  }
}
