/** How far the steady clock may run from the wall clock, which somebody may set, before it is set anew. */
const maxDriftNs = 2_000_000n

/** By so much somebody has set it back; by less, what was told before was a little late, and order matters more. */
const setBackNs = 1_000_000_000n

/** Wall time with nanoseconds: the wall clock of Node has only milliseconds, so the steady clock fills in between. */
export class EventClock {
  #offset: bigint | undefined
  #last = 0n

  /** The time now, later than any told before unless the clock was set back by a second or more: RFC 3339 in UTC. */
  now(): string {
    const before = process.hrtime.bigint()
    const wall = BigInt(Date.now()) * 1_000_000n
    // Read last, so that no time is ahead of the wall clock: a stream until now has all that happened until now.
    const steady = process.hrtime.bigint()
    const drift = this.#offset === undefined ? undefined : steady + this.#offset - wall
    if (drift === undefined) this.#offset = wall - steady
    // Who was made to wait between the two clocks has not seen them drift.
    else if ((drift > maxDriftNs || drift < -maxDriftNs) && steady - before < maxDriftNs) {
      this.#offset = wall - steady
      if (drift > setBackNs) this.#last = 0n
    }
    const time = steady + (this.#offset ?? 0n)
    this.#last = time > this.#last ? time : this.#last + 1n
    return formatNanoseconds(this.#last)
  }
}

/** Nanoseconds since 1970 as RFC 3339 in UTC. */
export function formatNanoseconds(time: bigint): string {
  const whole = new Date(Number(time / 1_000_000_000n) * 1000).toISOString().slice(0, 19)
  return `${whole}.${String(time % 1_000_000_000n).padStart(9, '0')}Z`
}

/** A time as RFC 3339 in nanoseconds since 1970, for comparing; `undefined` if it is none. */
export function parseNanoseconds(time: string): bigint | undefined {
  const match = /^(.*T\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/i.exec(time)
  const milliseconds = Date.parse(match ? `${match[1]}${match[3]}` : time)
  if (Number.isNaN(milliseconds)) return undefined
  return BigInt(milliseconds) * 1_000_000n + BigInt((match?.[2] ?? '').padEnd(9, '0'))
}
