/** One line (or a part of a long one) that a container wrote. @public */
export interface LogEntry {
  /** RFC 3339 with nanoseconds and the writer's offset, as the driver stored it. */
  readonly time: string
  readonly stream: 'stdout' | 'stderr'
  /** The text without its newline; bytes that are not UTF-8 become U+FFFD. Use `logs({ raw: true })` for exact bytes. */
  readonly line: string
  /** The line goes on in the next entry of this stream (lines longer than 1 MiB come in parts). */
  readonly partial: boolean
}
