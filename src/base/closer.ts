import { LibpodError } from './errors.ts'

/** What an owner must let go of when it closes: in reverse order, each once, all of them even when one fails. */
export class Closer {
  readonly #what: string
  #tasks: (() => void | Promise<void>)[] = []
  #closing: Promise<void> | undefined

  constructor(what: string) {
    this.#what = what
  }

  get closed(): boolean {
    return this.#closing !== undefined
  }

  /** Registers what to do at the end; the result takes it back. */
  add(task: () => void | Promise<void>): () => void {
    this.#tasks.push(task)
    return () => {
      this.#tasks = this.#tasks.filter((other) => other !== task)
    }
  }

  /** Rejects further work once closing has begun. */
  check(): void {
    if (this.#closing) throw new LibpodError('closed', `This ${this.#what} is closed.`, { what: this.#what }, { hint: 'Open a new one.' })
  }

  close(): Promise<void> {
    this.#closing ??= this.#run()
    return this.#closing
  }

  async #run(): Promise<void> {
    const errors: unknown[] = []
    for (const task of this.#tasks.splice(0).reverse()) {
      try {
        await task()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0)
      throw errors.length === 1 ? errors[0] : new AggregateError(errors, `Closing the ${this.#what} failed in ${errors.length} places.`)
  }
}
