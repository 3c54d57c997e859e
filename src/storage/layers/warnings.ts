/** What could not be done and did no harm: each thing once, and not more than somebody reads. */
export class LayerWarnings {
  readonly #texts = new Map<string, string>()
  #more = 0

  /** `topic` is what is told only once. */
  add(topic: string, text: string): void {
    if (this.#texts.has(topic)) return
    if (this.#texts.size < mostWarnings) this.#texts.set(topic, text)
    else this.#more++
  }

  list(): string[] {
    return [...this.#texts.values(), ...(this.#more === 0 ? [] : [`${this.#more} more warnings are left out.`])]
  }
}

const mostWarnings = 19
