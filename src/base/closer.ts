import { LibpodError } from './errors.ts'

/** What an owner must let go of when it closes: in reverse order, each once, all of them even when one fails. */
export class Closer {
  readonly #what: string
  #tasks: (() => void | Promise<void>)[] = []
  #closing: Promise<void> | undefined
  #over = false

  constructor(what: string) {
    this.#what = what
  }

  get closed(): boolean {
    return this.#closing !== undefined
  }

  /** Registers what to do at the end; the result takes it back. Who comes after the end, with what was under way, finds it done at once. */
  add(task: () => void | Promise<void>): () => void {
    if (this.#over) {
      void (async () => task())().catch(() => {})
      return () => {}
    }
    this.#tasks.push(task)
    return () => {
      this.#tasks = this.#tasks.filter((other) => other !== task)
    }
  }

  /** Rejects further work once closing has begun. */
  check(): void {
    if (this.#closing) throw this.reason()
  }

  /** What is told to those whose work the closing ends. */
  reason(): LibpodError<'closed'> {
    return new LibpodError('closed', `This ${this.#what} is closed.`, { what: this.#what }, { hint: 'Open a new one.' })
  }

  close(): Promise<void> {
    this.#closing ??= this.#run()
    return this.#closing
  }

  async #run(): Promise<void> {
    const errors: unknown[] = []
    // Some may be added meanwhile.
    for (let task = this.#tasks.pop(); task !== undefined; task = this.#tasks.pop()) {
      try {
        await task()
      } catch (error) {
        errors.push(error)
      }
    }
    this.#over = true
    if (errors.length > 0)
      throw errors.length === 1 ? errors[0] : new AggregateError(errors, `Closing the ${this.#what} failed in ${errors.length} places.`)
  }
}
