/** What a caller gets of collected bytes: a text, or the bytes themselves. */
export function encodeOutput(data: Buffer, encoding: 'utf8' | 'buffer'): string | Buffer {
  return encoding === 'utf8' ? data.toString('utf8') : data
}
