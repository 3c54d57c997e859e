import type { EngineEvent, EventDraft } from './event.ts'

/**
 * Where events are kept.
 *
 * **The model.** An append-only sequence. Every event gets a time and a cursor when it is appended; reading begins
 * behind a cursor, or at the beginning of what is still kept.
 *
 * **The rules.** Appends of several processes interleave, each event whole. A log may forget its oldest part; reading
 * behind a cursor that is forgotten begins at the oldest event that is kept. Reading ends at the present: following is
 * the caller's, who is woken by the doorbell and reads behind the last cursor it saw.
 *
 * **An example.** `const { cursor } = await log.append(draft)`, and in another process
 * `for await (const event of log.read({ after: cursor })) …`.
 *
 * @public
 */
export interface EventLog {
  /** Appends one event and gives it back with its time and cursor. */
  append(event: EventDraft): Promise<EngineEvent>
  /** The events behind `after` (or all), oldest first, up to the present. */
  read(options?: { readonly after?: string | undefined }): AsyncIterable<EngineEvent>
  /** The cursor of the present: reading behind it gives only what is still to come. */
  end(): Promise<string>
  close(): Promise<void>
}
